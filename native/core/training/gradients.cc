#include "core/training/gradients.h"

#include <ATen/ops/_unique.h>
#include <ATen/ops/zeros_like.h>

namespace sentorch {

void WordGradient::add(const WordRows& rows) {
  const at::Tensor gradient = rows.values.grad();
  if (!gradient.defined()) return;
  if (!dense_.defined()) dense_ = at::zeros_like(table_);
  // Ids of one micro-batch are distinct: no two additions meet.
  dense_.index_add_(0, rows.ids, gradient);
  ids_ = ids_.defined() ? std::get<0>(at::_unique(at::cat({ids_, rows.ids}), true)) : rows.ids;
}

at::Tensor WordGradient::touched() const { return ids_.defined() ? dense_.index_select(0, ids_) : at::Tensor(); }

void WordGradient::clear() {
  if (ids_.defined()) dense_.index_fill_(0, ids_, 0);
  ids_ = at::Tensor();
}

void WordGradient::release() {
  dense_ = at::Tensor();
  ids_ = at::Tensor();
}

}  // namespace sentorch
