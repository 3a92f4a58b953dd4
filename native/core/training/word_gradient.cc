#include "core/training/word_gradient.h"

#include <ATen/ops/_unique.h>
#include <ATen/ops/zeros_like.h>

namespace sentorch {

void WordGradient::add(const WordRows& rows) {
  const at::Tensor gradient = rows.values.grad();
  if (!gradient.defined()) return;
  if (!dense_.defined()) dense_ = at::zeros_like(table_);
  // Recorded before anything is written, so that clear() finds every row even if the addition fails.
  ids_ = ids_.defined() ? std::get<0>(at::_unique(at::cat({ids_, rows.ids}), true)) : rows.ids;
  // The ids of one micro-batch are distinct, so each row is added to once.
  dense_.index_add_(0, rows.ids, gradient);
}

void WordGradient::reduce(Collective& group) {
  at::Tensor touched = at::zeros({table_.size(0)}, at::kFloat);
  if (ids_.defined()) touched.index_fill_(0, ids_.to(at::kCPU), 1);
  group.sum(touched);
  const at::Tensor all = touched.nonzero().squeeze(1).to(table_.device());
  if (all.numel() == 0) return;
  if (!dense_.defined()) dense_ = at::zeros_like(table_);
  ids_ = all;
  at::Tensor rows = dense_.index_select(0, all);
  group.sum(rows);
  dense_.index_copy_(0, all, rows);
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
