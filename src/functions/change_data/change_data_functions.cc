// SPDX-License-Identifier: Apache-2.0
//
// cdf_change_rank, cdf_is_upsert, cdf_is_delete: what a row of a change feed says.

#include "weir/base/ascii_text.h"
#include "weir/functions/function_sets.h"
#include "weir/functions/result_buffers.h"
#include "weir/functions/text/one_text_function.h"

namespace weir {
namespace {

/// Rank of a change type: the later state of a row wins. -1 for anything unknown.
int32_t ChangeRank(std::string_view text) {
  text = TrimAscii(text);
  static constexpr std::string_view kByRank[] = {"update_preimage", "delete", "insert",
                                                 "update_postimage"};
  for (int32_t rank = 0; rank < 4; ++rank) {
    if (EqualsIgnoringAsciiCase(text, kByRank[rank])) return rank;
  }
  return -1;
}

class ChangeRankFunction final : public OneTextFunction {
 public:
  using OneTextFunction::OneTextFunction;

  Result<std::shared_ptr<arrow::Field>> ReturnField(const FieldVector& arguments,
                                                    const ConstantVector&) const override {
    return arrow::field(name(), arrow::int32(), AnyNullable(arguments));
  }

  Result<std::shared_ptr<arrow::Array>> Compute(const TextColumn& texts,
                                                int64_t rows) const override {
    WEIR_ASSIGN_OR_RETURN(auto writer, FixedColumnWriter<int32_t>::Make(rows));
    for (int64_t row = 0; row < rows; ++row) {
      if (texts.IsNull(row)) {
        WEIR_RETURN_NOT_OK(writer.SetNull(row));
      } else {
        writer.Set(row, ChangeRank(texts[row]));
      }
    }
    return writer.Finish(arrow::int32());
  }
};

/// True where the rank of the change type is one of `ranks` (bit set).
class ChangeTest final : public OneTextFunction {
 public:
  ChangeTest(FunctionDeclaration declaration, uint32_t ranks)
      : OneTextFunction(std::move(declaration)), ranks_(ranks) {}

  Result<std::shared_ptr<arrow::Field>> ReturnField(const FieldVector& arguments,
                                                    const ConstantVector&) const override {
    return arrow::field(name(), arrow::boolean(), AnyNullable(arguments));
  }

  Result<std::shared_ptr<arrow::Array>> Compute(const TextColumn& texts,
                                                int64_t rows) const override {
    WEIR_ASSIGN_OR_RETURN(auto writer, BooleanColumnWriter::Make(rows));
    for (int64_t row = 0; row < rows; ++row) {
      if (texts.IsNull(row)) {
        WEIR_RETURN_NOT_OK(writer.SetNull(row));
        continue;
      }
      const int32_t rank = ChangeRank(texts[row]);
      if (rank >= 0 && (ranks_ >> rank & 1) != 0) writer.SetTrue(row);
    }
    return writer.Finish();
  }

 private:
  uint32_t ranks_;
};

FunctionDeclaration Declare(std::string name, std::string description, std::string result) {
  FunctionDeclaration declaration;
  declaration.example = name + "(_change_type)";
  declaration.name = std::move(name);
  declaration.tags = {"cdf", "delta", "deterministic", "incremental"};
  declaration.description = std::move(description);
  declaration.arguments = {{"change_type", "text",
                            "The column _change_type of a Delta change feed; white space around it "
                            "and case do not matter."}};
  declaration.signatures = TextSignatures(1);
  declaration.result_type = std::move(result);
  declaration.null_handling = "NULL if change_type is NULL.";
  declaration.strict = true;
  return declaration;
}

}  // namespace

void AddChangeDataFunctions(ScalarFunctions* functions) {
  FunctionDeclaration change_rank =
      Declare("cdf_change_rank",
              "Orders the changes of a row: update_postimage 3, insert 2, delete 1, "
              "update_preimage 0, anything else -1.",
              "int32");
  change_rank.bounds = IntegerRange{.bits = 32, .lower = -1, .upper = 3};
  functions->push_back(std::make_shared<ChangeRankFunction>(std::move(change_rank)));
  functions->push_back(std::make_shared<ChangeTest>(
      Declare("cdf_is_upsert", "True for insert and update_postimage.", "boolean"), 0b1100));
  functions->push_back(std::make_shared<ChangeTest>(
      Declare("cdf_is_delete", "True for delete only.", "boolean"), 0b0010));
}

}  // namespace weir
