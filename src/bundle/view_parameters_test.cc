// SPDX-License-Identifier: Apache-2.0

#include <gtest/gtest.h>

#include "weir/bundle/compiled_testing.h"

namespace weir {
namespace {

using Values = std::map<std::string, std::string>;

const Files kViews = {
    {"functions/f.sql",
     "CREATE FUNCTION scaled(x BIGINT) RETURNS BIGINT RETURN x * $factor;\n"
     "CREATE FUNCTION twice_scaled(x BIGINT) RETURNS BIGINT RETURN scaled(x) * 2;"},
    {"views/own.sql", "SELECT id FROM items WHERE id > $least"},
    {"views/called.sql", "SELECT twice_scaled(id) AS x FROM items"},
    {"views/inlined.sql", "CREATE VIEW inlined AS SELECT * FROM items WHERE id > $least"},
    {"views/reader.sql", "SELECT id FROM inlined"},
    {"views/namesake.sql", "SELECT id AS inlined, '$least' AS x FROM items -- $factor"},
    {"views/above.sql", "SELECT id FROM own"},
    {"views/warned.sql",
     "CREATE MATERIALIZED VIEW warned (id, CONSTRAINT c EXPECT (id > $least)) AS SELECT id FROM "
     "items"},
    {"views/dropped.sql",
     "CREATE MATERIALIZED VIEW dropped (id, CONSTRAINT c EXPECT (id > $least) ON "
     "VIOLATION DROP ROW) AS SELECT id FROM items"}};

Files With(const std::string& least, const std::string& factor) {
  Files files = kViews;
  files["weir.toml"] = "[parameters]\nleast = " + least +
                       "\nfactor = { type = \"BIGINT\", default = \"" + factor +
                       "\" }\nunused = 1\n";
  return files;
}

TEST(ViewParameters, AreThoseOfTheTextAndOfAllThatIsInlined) {
  const Compiled compiled = Compiled::Of(With("1", "3"));
  ASSERT_EQ(compiled.Reports(), Texts{});
  EXPECT_EQ(compiled.Bundle("own").parameters, (Values{{"least", "1"}}));
  EXPECT_EQ(compiled.Bundle("called").parameters, (Values{{"factor", "3"}}));
  EXPECT_EQ(compiled.Bundle("reader").parameters, (Values{{"least", "1"}}));
  EXPECT_EQ(compiled.Bundle("dropped").parameters, (Values{{"least", "1"}}));
  for (const char* view : {"namesake", "above", "warned"})
    EXPECT_EQ(compiled.Bundle(view).parameters, Values{}) << view;
}

TEST(ViewParameters, ChangeTheFingerprintsOfTheirViewsAlone) {
  const Compiled before = Compiled::Of(With("1", "3")), least = Compiled::Of(With("2", "3")),
                 factor = Compiled::Of(With("1", "4")), same = Compiled::Of(With("+1", "003"));
  for (const auto& bundle : before.views().bundles()) {
    const std::string& view = bundle->view_name;
    EXPECT_EQ(same.FingerprintOf(view), before.FingerprintOf(view)) << view;
    const bool reads_least = view == "own" || view == "reader" || view == "dropped";
    EXPECT_EQ(least.FingerprintOf(view) != before.FingerprintOf(view), reads_least) << view;
    EXPECT_EQ(factor.FingerprintOf(view) != before.FingerprintOf(view), view == "called") << view;
  }
}

TEST(ViewParameters, ErrorsPointIntoTheText) {
  Files files = With("1", "0");
  files["views/divided.sql"] = "SELECT id,\n  10 / $factor AS x FROM items";
  files["views/misspelt.sql"] = "SELECT $least AS x,\n  idd FROM items";
  EXPECT_EQ(Compiled::Of(files).Reports(),
            (Texts{"W2012 views/divided.sql:2:6", "W2002 views/misspelt.sql:2:3"}));
}

}  // namespace
}  // namespace weir
