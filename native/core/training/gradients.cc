#include "core/training/gradients.h"

#include <ATen/ops/_unique.h>
#include <ATen/ops/zeros_like.h>

namespace sentorch {

void WordGradient::add(const WordRows& rows) {
  const at::Tensor gradient = rows.values.grad();
  if (!gradient.defined()) return;
  if (!dense_.defined()) dense_ = at::zeros_like(table_);
  // Noted before anything is written: were the addition to fail half-way, clear() would still find every row.
  ids_ = ids_.defined() ? std::get<0>(at::_unique(at::cat({ids_, rows.ids}), true)) : rows.ids;
  // Ids of one micro-batch are distinct: no two additions meet.
  dense_.index_add_(0, rows.ids, gradient);
}

at::Tensor WordGradient::touched() const { return ids_.defined() ? dense_.index_select(0, ids_) : at::Tensor(); }

void WordGradient::clear() noexcept {
  try {
    if (ids_.defined()) dense_.index_fill_(0, ids_, 0);
    ids_ = at::Tensor();
  } catch (...) {
    release();
  }
}

void WordGradient::release() noexcept {
  dense_ = at::Tensor();
  ids_ = at::Tensor();
}

}  // namespace sentorch
