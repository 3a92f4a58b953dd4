#include "core/guard.h"
#include "core/heads/kind.h"

namespace sentorch {

const HeadKind& kind_of(HeadType type) {
  switch (type) {
    case HeadType::kClassification:
      return classification_kind();
    case HeadType::kTokenClassification:
      return token_classification_kind();
  }
  throw unknown_value("type of head");
}

}  // namespace sentorch
