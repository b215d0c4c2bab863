// SPDX-License-Identifier: Apache-2.0

#include "weir/project/initial_project.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "weir/base/nearest.h"

namespace weir {

namespace {

/// Stands in weir.toml where the project's name goes.
constexpr std::string_view kNamePlaceholder = "@NAME@";

/// A basic string of TOML.
std::string TomlString(std::string_view text) {
  std::string quoted = "\"";
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      quoted += '\\';
      quoted += c;
    } else if (byte < 0x20 || byte == 0x7F) {
      quoted += fmt::format("\\u{:04X}", byte);
    } else if (c == '$' && text.substr(i + 1, 1) == "{") {
      quoted += "$$";
    } else {
      quoted += c;
    }
  }
  return quoted + '"';
}

}  // namespace

const std::vector<ProjectTemplate>& ProjectTemplates() {
  static const std::vector<ProjectTemplate> templates = {
      {"csv", "a CSV file, two views, a test", "weir run --project {}"},
      {"delta", "a Delta table that others write, partitioned", "weir run --project {}"},
      {"s3", "Parquet files in a bucket, a warehouse here and one in the bucket",
       "export BUCKET=… && weir run --project {}"},
      {"layers", "staging, intermediate and marts, a parameter, two warehouses, a unit test",
       "weir run --project {}"},
  };
  return templates;
}

Result<std::vector<TemplateFile>> InitialProject(std::string_view template_name,
                                                 std::string_view name) {
  std::vector<TemplateFile> files;
  for (const EmbeddedFile& embedded : EmbeddedFiles()) {
    if (embedded.template_name != template_name) continue;
    TemplateFile file{std::string(embedded.path), std::string(embedded.contents)};
    const size_t place =
        file.path == "weir.toml" ? file.contents.find(kNamePlaceholder) : std::string::npos;
    if (place != std::string::npos) {
      file.contents.replace(place, kNamePlaceholder.size(),
                            TomlString(name.empty() ? "project" : name));
    }
    files.push_back(std::move(file));
  }
  if (!files.empty()) return files;
  std::vector<std::string> names;
  for (const ProjectTemplate& known : ProjectTemplates()) names.emplace_back(known.name);
  const std::string hint = SuggestionHint(std::string(template_name), names);
  return Status::User(StatusCode::kNotFound, "there is no template named `{}`", template_name)
      .WithHint(hint.empty() ? fmt::format("there are {}", fmt::join(names, ", ")) : hint);
}

}  // namespace weir
