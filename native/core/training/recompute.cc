#include "core/training/recompute.h"

#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/custom_function.h>

namespace sentorch {
namespace {

using Work = std::function<at::Tensor(const at::Tensor&)>;

struct Recomputed : torch::autograd::Function<Recomputed> {
  // `anchor` requires gradients, so that backward is called even if x does not.
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& x, const at::Tensor& anchor,
                            std::shared_ptr<Work> part) {
    context->save_for_backward({x});
    context->saved_data["wanted"] = x.requires_grad();
    const c10::AutoGradMode off(false);
    const at::Tensor y = (*part)(x);
    keep(context, std::move(part));
    (void)anchor;
    return y;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list gradients) {
    const bool wanted = context->saved_data["wanted"].toBool();
    const at::Tensor x = context->get_saved_variables()[0].detach().requires_grad_(wanted);
    const c10::AutoGradMode on(true);
    const at::Tensor y = (*part_of(context))(x);
    y.backward(gradients[0]);
    return {wanted ? x.grad() : at::Tensor(), at::Tensor(), at::Tensor()};
  }

 private:
  struct Holder final : torch::CustomClassHolder {
    explicit Holder(std::shared_ptr<Work> p) : part(std::move(p)) {}
    std::shared_ptr<Work> part;
  };

  static void keep(torch::autograd::AutogradContext* context, std::shared_ptr<Work> part) {
    context->saved_data["part"] = c10::IValue::make_capsule(c10::make_intrusive<Holder>(std::move(part)));
  }

  static std::shared_ptr<Work> part_of(torch::autograd::AutogradContext* context) {
    return c10::static_intrusive_pointer_cast<Holder>(context->saved_data["part"].toCapsule())->part;
  }
};

}  // namespace

at::Tensor recomputed(const Work& part, const at::Tensor& x) {
  const at::Tensor anchor = at::zeros({}, at::kFloat).requires_grad_(true);
  return Recomputed::apply(x, anchor, std::make_shared<Work>(part));
}

}  // namespace sentorch
