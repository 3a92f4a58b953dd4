#include "core/model.h"

#include "core/checks.h"
#include "support/tiny_model.h"

namespace sentorch::test {
namespace {

LoadRequest with_kernels(const TinyModel& model, KernelSet kernels, ComputeType dtype) {
  LoadRequest request = model.load_request(dtype);
  request.kernels = kernels;
  return request;
}

}  // namespace

TEST_CASE("model: a text alone, in a batch and under any budget has the same vector; kernels agree with libtorch") {
  TinyModel made;
  const Rows rows = rows_of(made.numbers, {5, 1, 9, 3, 3, 12});
  EncoderModel portable(with_kernels(made, KernelSet::kPortable, ComputeType::kFloat32), kNeverStops);
  const EncodeResult expected = portable.encode({rows, mean_vectors(), 1000}, kNeverStops);
  CHECK(expected.dimension == TinyModel::kHidden);
  const auto model = made.load();
  for (int64_t budget : {1, 6, 1000})
    check_close(model->encode({rows, mean_vectors(), budget}, kNeverStops).values, expected.values, 2e-6);
  for (int64_t i = 0; i < rows.count(); i++) {
    const Rows one{{rows.ids.begin() + rows.offsets[i], rows.ids.begin() + rows.offsets[i + 1]},
                   {0, rows.offsets[i + 1] - rows.offsets[i]}};
    const auto alone = model->encode({one, mean_vectors(), 64}, kNeverStops).values;
    const auto begin = expected.values.begin() + i * TinyModel::kHidden;
    check_close(alone, std::vector<float>(begin, begin + TinyModel::kHidden), 2e-6);
  }
}

TEST_CASE("model: predict gives what encode gives, for heads that share a vector too") {
  TinyModel made(2, true);
  const Rows rows = rows_of(made.numbers, {4, 8, 2});
  const auto model = made.load();
  HeadSource on_dense = classification_head("dense", 2);
  on_dense.vectors.steps = {int64_t{0}};
  on_dense.inputs = 6;
  for (const HeadSource& head :
       {classification_head("one", 3), classification_head("two", 3), on_dense, token_head("tags", 2)})
    model->add_head(head, kNeverStops);
  VectorRequest scaled = mean_vectors();
  scaled.steps = {int64_t{0}, NormalizeStep{}};
  const PredictResult all = model->predict({rows, 6, {"tags", "one", "dense", "two"}, scaled}, kNeverStops);
  const auto alone = [&](const std::string& name) {
    return model->predict({rows, 1000, {name}, std::nullopt}, kNeverStops).logits[0];
  };
  check_close(all.logits[0], alone("tags"), 1e-6);
  check_close(all.logits[1], alone("one"), 1e-6);
  check_close(all.logits[2], alone("dense"), 1e-6);
  CHECK(all.logits[0].size() == rows.ids.size() * 2);
  check_close(all.embedding->values, model->encode({rows, scaled, 1000}, kNeverStops).values, 1e-6);
}

TEST_CASE("model: pooled vectors are finished as encode does it") {
  TinyModel made(2, true);
  const Rows rows = rows_of(made.numbers, {4, 8, 2});
  const auto model = made.load();
  VectorRequest scaled = mean_vectors();
  const auto pooled = model->encode({rows, scaled, 1000}, kNeverStops).values;
  scaled.steps = {int64_t{0}, NormalizeStep{}};
  const auto expected = model->encode({rows, scaled, 1000}, kNeverStops);
  const auto finished = model->finish({pooled, scaled}, kNeverStops);
  check_close(finished.values, expected.values, 1e-6);
  CHECK(finished.dimension == expected.dimension);
  CHECK(finished.non_finite_row == -1);
  auto broken = pooled;
  broken[TinyModel::kHidden] = NAN;
  CHECK(model->finish({broken, scaled}, kNeverStops).non_finite_row == 1);
  CHECK(model->finish({{}, scaled}, kNeverStops).values.empty());
  const std::vector<float> part(pooled.begin(), pooled.end() - 1);
  CHECK(code_of([&] { model->finish({part, scaled}, kNeverStops); }) == "ERR_INTERNAL");
  scaled.pooling.clear();
  CHECK(code_of([&] { model->finish({pooled, scaled}, kNeverStops); }) == "ERR_INTERNAL");
}

TEST_CASE("model: what would read memory that is not its own is refused") {
  TinyModel made;
  const auto refused = [&](void (*change)(LoadRequest&)) {
    LoadRequest request = made.load_request();
    change(request);
    return code_of([&] { check_load(request); });
  };
  CHECK(code_of([&] { check_load(made.load_request()); }) == "");
  CHECK(refused([](LoadRequest& r) { r.encoder.heads = 3; }) == "ERR_INTERNAL");
  CHECK(refused([](LoadRequest& r) { r.encoder.heads = 0; }) == "ERR_INTERNAL");
  CHECK(refused([](LoadRequest& r) { r.encoder.word_embeddings.shape = {}; }) == "ERR_INTERNAL");
  CHECK(refused([](LoadRequest& r) { r.encoder.layers[1].key.bias->shape = {3}; }) == "ERR_INTERNAL");
  CHECK(refused([](LoadRequest& r) { r.encoder.layers[1].key.bias.reset(); }) == "ERR_INTERNAL");
  CHECK(refused([](LoadRequest& r) { r.encoder.embedding_norm.weight.file = 1; }) == "ERR_INTERNAL");
  CHECK(refused([](LoadRequest& r) { r.threads = 0; }) == "ERR_INTERNAL");
  VectorRequest vectors = mean_vectors();
  vectors.truncate_dim = 9;
  CHECK(code_of([&] { checked_dimension(vectors, 8, {}); }) == "ERR_INTERNAL");
  vectors = mean_vectors();
  vectors.steps = {int64_t{0}};
  CHECK(code_of([&] { checked_dimension(vectors, 8, {}); }) == "ERR_INTERNAL");
}

TEST_CASE("model: work stops at its flag, and the next call works") {
  TinyModel made;
  const Rows rows = rows_of(made.numbers, {4, 8, 2});
  const auto model = made.load();
  const StopFlag stops{true};
  CHECK(code_of([&] { model->encode({rows, mean_vectors(), 6}, stops); }) == "ERR_ABORTED");
  CHECK(code_of([&] { EncoderModel(made.load_request(), stops); }) == "ERR_ABORTED");
  CHECK(model->encode({rows, mean_vectors(), 6}, kNeverStops).non_finite_row == -1);
}

}  // namespace sentorch::test
