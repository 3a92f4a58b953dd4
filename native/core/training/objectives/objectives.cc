#include "core/training/objectives/objective.h"

namespace sentorch {

std::unique_ptr<Objective> make_objective(const ObjectiveSource& source, size_t place,
                                          const ObjectiveContext& context) {
  if (const auto* head = std::get_if<HeadObjectiveSource>(&source)) return make_head_objective(*head, place, context);
  return make_vector_objective(std::get<VectorObjectiveSource>(source), context);
}

}  // namespace sentorch
