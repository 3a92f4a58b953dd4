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
  std::vector<double> each;  // per parameter; 0 if it has no gradient
  double clipped = 0;        // of all gradients that are clipped together
  bool finite_rest = true;   // whether the others are finite
  bool finite() const;
};

class ParameterSet {
 public:
  explicit ParameterSet(const Masters& masters);
  ~ParameterSet();
  ParameterSet(const ParameterSet&) = delete;
  ParameterSet& operator=(const ParameterSet&) = delete;

  // Adds a parameter after those of the masters. `value` is shared: training updates it.
  void add(ParameterInfo info, const at::Tensor& value);
  std::vector<ParameterInfo> info() const;

  // Parameters that are not in a group are frozen. Refuses parameters that do not exist or are in two groups.
  void set_groups(const std::vector<GroupSource>& groups);
  bool encoder_trains() const;
  bool word_trains() const;

  WordGradient& word_gradient() { return word_; }
  void drop_gradients() noexcept;
  // Adds up the gradients over the members of a group.
  void reduce_gradients(Collective& group);
  GradientNorms gradient_norms() const;

  // One step of the optimizer, completely or not at all: returns false and changes nothing if a number would not be
  // finite afterwards. `multiplier` scales the learning rates of the groups. `before_writing` is called when nothing
  // can fail any more.
  bool update(const OptimizerSource& optimizer, const GradientNorms& norms, double max_grad_norm, double multiplier,
              const std::function<void()>& before_writing);

  // The number of updates so far, per parameter.
  std::vector<int32_t> optimizer_steps() const;
  // The values, or nothing if the parameter does not exist; zeros if the value was not computed yet.
  std::optional<at::Tensor> find(const ParameterPart& part) const;
  // Reads everything before it changes anything.
  void restore(const RestoreRequest& request, const std::function<void()>& before_writing, const StopFlag& stop);
  // Copies the values of these parameters, all of them or none; drops the copies of all others.
  void keep(const std::vector<int32_t>& parameters);
  // Sets every parameter that has a copy to it, and drops the copies.
  void revert(const std::function<void()>& before_writing);

 private:
  struct Trained {
    ParameterInfo info;
    at::Tensor value;
    at::Tensor kept;  // a copy; undefined: none
    bool trainable = false;
    bool clip = false;
    double learning_rate = 0;
    double weight_decay = 0;
    OptimizerState state = {};
  };

  // The gradient that the optimizer reads; undefined: none.
  at::Tensor gradient(size_t parameter) const;
  // The index of the parameter, or the number of parameters if there is none with this name.
  size_t place_of(const std::string& name) const;

  std::vector<Trained> all_;
  WordGradient word_;
};

}  // namespace sentorch
