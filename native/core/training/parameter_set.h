// The parameters of one training run: their groups, gradients and optimizer state.
#pragma once
#include <functional>
#include <optional>
#include <vector>

#include "core/training/collective.h"
#include "core/training/masters.h"
#include "core/training/optimizer.h"
#include "core/training/word_gradient.h"

namespace sentorch {

struct GradientNorms {
  std::vector<double> each;  // per parameter, 0 where it has no gradient
  double clipped = 0;        // of all that are clipped together
  bool finite_rest = true;   // whether the others are finite
  bool finite() const;
};

class ParameterSet {
 public:
  explicit ParameterSet(const Masters& masters);
  ~ParameterSet();
  ParameterSet(const ParameterSet&) = delete;
  ParameterSet& operator=(const ParameterSet&) = delete;

  // Those of the masters come first. `value` is shared: it is what training changes.
  void add(ParameterInfo info, const at::Tensor& value);
  std::vector<ParameterInfo> info() const;

  // Those in no group are frozen. Refuses what is not there, and a parameter in two groups.
  void set_groups(const std::vector<GroupSource>& groups);
  bool encoder_trains() const;
  bool word_trains() const;

  WordGradient& word_gradient() { return word_; }
  void drop_gradients() noexcept;
  // Adds up the gradients over the members of a group.
  void reduce_gradients(Collective& group);
  GradientNorms gradient_norms() const;

  // One step of the optimizer, whole or not at all: false, and nothing changed, where a number would not be finite
  // afterwards. `multiplier`: of the groups' learning rates. `before_writing` is called once nothing can fail any more.
  bool update(const OptimizerSource& optimizer, const GradientNorms& norms, double max_grad_norm, double multiplier,
              const std::function<void()>& before_writing);

  // Updates made so far, per parameter.
  std::vector<int32_t> optimizer_steps() const;
  // The numbers, or none where there is no such parameter; zeros where nothing was made of it yet.
  std::optional<at::Tensor> find(const ParameterPart& part) const;
  // All is read before anything changes.
  void restore(const RestoreRequest& request, const std::function<void()>& before_writing, const StopFlag& stop);

 private:
  struct Trained {
    ParameterInfo info;
    at::Tensor value;
    bool trainable = false;
    bool clip = false;
    double learning_rate = 0;
    double weight_decay = 0;
    OptimizerState state = {};
  };

  // What the optimizer reads; undefined: none.
  at::Tensor gradient(size_t parameter) const;
  // Its place, or how many there are where there is none of that name.
  size_t place_of(const std::string& name) const;

  std::vector<Trained> all_;
  WordGradient word_;
};

}  // namespace sentorch
