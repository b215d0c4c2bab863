// SPDX-License-Identifier: Apache-2.0
//
// For tests of compiling: small projects in real folders, compiled by the real engine.

#pragma once

#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "weir/base/temporary_folder_testing.h"
#include "weir/bundle/compile.h"

namespace weir {

using Files = std::map<std::string, std::string>;
using Texts = std::vector<std::string>;

inline constexpr char kItemsSource[] =
    "CREATE EXTERNAL TABLE items (id BIGINT, name VARCHAR, price DOUBLE, day DATE)\n"
    "STORED AS CSV LOCATION 'data/items.csv' OPTIONS ('has_header' 'true');\n";
inline constexpr char kItemsData[] =
    "id,name,price,day\n1,nail,0.5,2024-01-01\n2,saw,19.25,2024-01-02\n3,,,\n";
inline constexpr char kToml[] = "[project]\nname = \"shop\"\n";

/// A project in a folder of its own, compiled.
class Compiled {
 public:
  /// `files` by path; weir.toml and the source `items` are there unless they are among them.
  static Compiled Of(Files files) { return Compiled(std::move(files)); }
  Compiled(const Compiled&) = delete;

  const PlanBundle& Bundle(const std::string& view) const {
    static const PlanBundle kNone;
    const auto found = compiled_.Find(view);
    EXPECT_NE(found, nullptr) << view << ": " << testing::PrintToString(Reports());
    return found ? *found : kNone;
  }
  std::string FingerprintOf(const std::string& view) const {
    return Bundle(view).fingerprint.ToString();
  }
  /// "W2002 views/v.sql:2:3".
  Texts Reports() const {
    Texts texts;
    for (const Diagnostic& diagnostic : diagnostics_.all())
      texts.push_back(diagnostic.code + " " + ToString(diagnostic.location));
    return texts;
  }
  const Diagnostic& First() const {
    static const Diagnostic kNone;
    return diagnostics_.all().empty() ? kNone : diagnostics_.all().front();
  }
  const CompiledProject& views() const { return compiled_; }
  const SessionRuntime& session() const { return *session_; }

 private:
  explicit Compiled(Files files) {
    files.insert({{"weir.toml", kToml},
                  {"sources/items.sql", kItemsSource},
                  {"data/items.csv", kItemsData}});
    for (const auto& [path, text] : files) {
      const auto file = folder_ / path;
      std::filesystem::create_directories(file.parent_path());
      std::ofstream(file, std::ios::binary) << text;
    }
    auto project = LoadProject(LocalFileSystem(), folder_.string(), "", diagnostics_);
    EXPECT_TRUE(project.ok()) << project.status().ToString();
    project_ = *std::move(project);
    auto session = SessionRuntime::Seal(project_, diagnostics_);
    EXPECT_TRUE(session.ok()) << session.status().ToString();
    session_ = *std::move(session);
    compiled_ = CompileViews(project_, *session_, diagnostics_);
    diagnostics_.Sort();
  }

  TemporaryFolder temporary_;
  std::filesystem::path folder_ = temporary_.path();
  Diagnostics diagnostics_;
  ProjectDefinition project_;
  std::unique_ptr<SessionRuntime> session_;
  CompiledProject compiled_;
};

}  // namespace weir
