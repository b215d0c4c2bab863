// SPDX-License-Identifier: Apache-2.0

#include "weir/run/warehouse_lock.h"

#include <atomic>
#include <set>
#include <thread>

#include <gtest/gtest.h>

#include "weir/base/temporary_folder_testing.h"

namespace weir {
namespace {

using std::chrono::milliseconds;

constexpr WarehouseLock::Timing kQuick{.heartbeat = milliseconds(20),
                                       .silence = milliseconds(200),
                                       .unreadable = milliseconds(50),
                                       .poll = milliseconds(5)};

class WarehouseLocks : public testing::Test {
 protected:
  void SetUp() override {
    auto opened = engine::Session::Open({});
    ASSERT_TRUE(opened.ok()) << opened.status().ToString();
    session_ = *opened;
  }

  std::string warehouse() const { return "file://" + temporary_.path().string() + "/"; }
  std::string Object(const std::string& name) const { return warehouse() + "_weir/_runs/" + name; }
  static std::string Name(int64_t generation, const std::string& kind) {
    return fmt::format("{:020}.{}", generation, kind);
  }
  static RunIdentity Self(const std::string& run_id) {
    return RunIdentity::Own(run_id, "default", 1);
  }
  /// A run of a machine that this process knows nothing of.
  static RunIdentity Elsewhere(const std::string& run_id) {
    return {
        .run_id = run_id, .host = "elsewhere", .pid = 1, .boot_id = "other", .pid_namespace = "x"};
  }
  Result<std::unique_ptr<WarehouseLock>> Acquire(const RunIdentity& run,
                                                 WarehouseLock::OnWait on_wait = {}) const {
    return WarehouseLock::Acquire(session_, warehouse(), run, on_wait, cancellation_, kQuick);
  }

  engine::Session session_;
  engine::Cancellation cancellation_;
  TemporaryFolder temporary_;
};

TEST_F(WarehouseLocks, AreHeldByOneAtATime) {
  std::atomic<int> holders = 0, most = 0, done = 0;
  std::vector<std::thread> runs;
  for (int t = 0; t < 4; ++t) {
    runs.emplace_back([&, t] {
      for (int i = 0; i < 5; ++i) {
        const auto lock = Acquire(Self(fmt::format("run-{}-{}", t, i)));
        ASSERT_TRUE(lock.ok()) << lock.status().ToString();
        const int now = ++holders;
        most = std::max(most.load(), now);
        std::this_thread::sleep_for(milliseconds(2));
        EXPECT_TRUE((*lock)->CheckHeld().ok());
        EXPECT_TRUE((*lock)->unrecorded().empty());
        --holders;
        ++done;
        EXPECT_TRUE((*lock)->End("succeeded", true, 1).ok());
      }
    });
  }
  for (std::thread& run : runs) run.join();
  EXPECT_EQ(most, 1);
  EXPECT_EQ(done, 20);
  const auto left = session_.ListObjects(Object(""));
  ASSERT_TRUE(left.ok());
  EXPECT_LE(left->size(), 3U) << "what is old is removed";
}

TEST_F(WarehouseLocks, AreTakenFromAProcessThatIsGone) {
  RunIdentity gone = Self("gone");
  gone.process_started += 1;  // another process has its number now
  ASSERT_TRUE(session_.PutObject(Object(Name(7, "begun")), gone.ToJson()).ok());
  const auto lock = Acquire(Self("next"));
  ASSERT_TRUE(lock.ok()) << lock.status().ToString();
  EXPECT_FALSE((*lock)->waited());
  ASSERT_EQ((*lock)->unrecorded().size(), 1U);
  EXPECT_EQ((*lock)->unrecorded()[0].identity, gone);
  EXPECT_EQ((*lock)->unrecorded()[0].state, "killed");
  ASSERT_TRUE((*lock)->End("succeeded", true, 1).ok());
  (*lock)->ForgetUnrecorded();
  EXPECT_FALSE(session_.GetObject(Object(Name(7, "begun"))).ok());
  EXPECT_TRUE(session_.GetObject(Object(Name(8, "begun"))).ok());
}

TEST_F(WarehouseLocks, WaitForALivingProcess) {
  const auto holder = Acquire(Self("holder"));
  ASSERT_TRUE(holder.ok()) << holder.status().ToString();
  std::set<std::string> waited_for;
  engine::Cancellation cancellation;
  std::thread impatient([&] {
    std::this_thread::sleep_for(milliseconds(400));  // more than a dead heart is waited for
    cancellation.Cancel();
  });
  const auto waiting = WarehouseLock::Acquire(
      session_, warehouse(), Self("waiting"),
      [&](const RunIdentity& run) { waited_for.insert(run.run_id); }, cancellation, kQuick);
  impatient.join();
  ASSERT_FALSE(waiting.ok());
  EXPECT_EQ(waiting.status().code(), StatusCode::kCancelled);
  EXPECT_EQ(waited_for, std::set<std::string>{"holder"});
}

TEST_F(WarehouseLocks, AreTakenFromAMachineWhoseHeartStandsStill) {
  ASSERT_TRUE(session_.PutObject(Object(Name(1, "begun")), Elsewhere("far").ToJson()).ok());
  ASSERT_TRUE(session_.PutObject(Object(Name(1, "alive")), "3").ok());
  std::atomic<bool> stopped = false;
  std::thread heart([&] {
    for (int beat = 4; beat < 30; ++beat) {
      ASSERT_TRUE(session_.PutObject(Object(Name(1, "alive")), fmt::format("{}", beat)).ok());
      std::this_thread::sleep_for(milliseconds(20));
    }
    stopped = true;
  });
  const auto lock = Acquire(Self("next"));
  EXPECT_TRUE(stopped) << "it was taken while the heart beat";
  heart.join();
  ASSERT_TRUE(lock.ok()) << lock.status().ToString();
  EXPECT_TRUE((*lock)->waited());
  ASSERT_EQ((*lock)->unrecorded().size(), 1U);
}

TEST_F(WarehouseLocks, AreTakenFromARunBeforeThisMachineWasStarted) {
  RunIdentity before = Self("before");
  before.boot_id = "another";
  RunIdentity elsewhere = before;
  elsewhere.host = "another";
  EXPECT_EQ(LivenessOf(before, /*is_own_disk=*/true), Liveness::kDead);
  EXPECT_EQ(LivenessOf(before, /*is_own_disk=*/false), Liveness::kUnknown);
  EXPECT_EQ(LivenessOf(elsewhere, /*is_own_disk=*/true), Liveness::kUnknown);
  EXPECT_FALSE(IsOwnDisk("/proc"));
  EXPECT_FALSE(IsOwnDisk("/none"));
  if (!IsOwnDisk(temporary_.path().string())) GTEST_SKIP() << "temporary files are on no own disk";
  ASSERT_TRUE(session_.PutObject(Object(Name(1, "begun")), before.ToJson()).ok());
  const auto lock = Acquire(Self("next"));
  ASSERT_TRUE(lock.ok()) << lock.status().ToString();
  EXPECT_FALSE((*lock)->waited());
}

TEST_F(WarehouseLocks, TellARunThatItWasTakenForDead) {
  const auto slow = Acquire(Self("slow"));
  ASSERT_TRUE(slow.ok()) << slow.status().ToString();
  EXPECT_FALSE(cancellation_.is_cancelled());
  ASSERT_TRUE(session_.PutObject(Object(Name(2, "begun")), Elsewhere("other").ToJson()).ok());
  const Status held = (*slow)->CheckHeld();
  EXPECT_EQ(held.code(), StatusCode::kConflict);
  EXPECT_NE(held.message().find("other"), std::string::npos);
  for (int i = 0; i < 100 && !cancellation_.is_cancelled(); ++i)
    std::this_thread::sleep_for(milliseconds(10));
  EXPECT_TRUE(cancellation_.is_cancelled());
  (*slow)->Abandon();
}

TEST_F(WarehouseLocks, AreNotKeptByABegunThatAPowerCutLeftEmpty) {
  for (const char* left : {"", "{\"run_id\":\"r"}) {
    ASSERT_TRUE(session_.PutObject(Object(Name(50, "begun")), left).ok());
    std::set<std::string> waited_for;
    const auto lock =
        Acquire(Self("next"), [&](const RunIdentity& run) { waited_for.insert(run.run_id); });
    ASSERT_TRUE(lock.ok()) << lock.status().ToString();
    EXPECT_TRUE((*lock)->unrecorded().empty());
    EXPECT_GE((*lock)->cut_off_since_ms(), 0);
    EXPECT_TRUE(waited_for.empty()) << "nobody knows whom";
    EXPECT_FALSE(session_.GetObject(Object(Name(50, "begun"))).ok());
    ASSERT_TRUE((*lock)->End("succeeded", true, 1).ok());
    ASSERT_TRUE(session_.DeleteObject(Object(Name(51, "begun"))).ok());
    ASSERT_TRUE(session_.DeleteObject(Object(Name(51, "ended"))).ok());
  }
}

TEST_F(WarehouseLocks, KnowSinceWhenSomethingMayBeHalfWritten) {
  {
    const auto lock = Acquire(Self("first"));
    ASSERT_TRUE(lock.ok());
    EXPECT_EQ((*lock)->cut_off_since_ms(), -1);
    ASSERT_TRUE((*lock)->End("failed", /*is_recorded=*/false, 42).ok());
  }
  {
    const auto lock = Acquire(Self("second"));
    ASSERT_TRUE(lock.ok());
    EXPECT_EQ((*lock)->cut_off_since_ms(), -1) << "the first came to its end";
    (*lock)->Abandon();
    // A power cut takes of the end what it likes.
    ASSERT_TRUE(session_.PutObject(Object(Name(2, "ended")), "").ok());
  }
  const auto objects = session_.ListObjects(Object(""));
  ASSERT_TRUE(objects.ok());
  int64_t begun_ms = -1;
  for (const ObjectInfo& object : *objects) {
    if (object.relative_path == Name(2, "begun")) begun_ms = object.modified_ms;
  }
  const auto lock = Acquire(Self("third"));
  ASSERT_TRUE(lock.ok());
  EXPECT_EQ((*lock)->cut_off_since_ms(), begun_ms);
  ASSERT_EQ((*lock)->unrecorded().size(), 2U);
  EXPECT_EQ((*lock)->unrecorded()[1].state, "killed");
}

TEST_F(WarehouseLocks, KeepWhatEndedUnrecordedForTheNextRun) {
  {
    const auto lock = Acquire(Self("first"));
    ASSERT_TRUE(lock.ok());
    ASSERT_TRUE((*lock)->End("succeeded", /*is_recorded=*/false, 42).ok());
  }
  for (int again = 0; again < 2; ++again) {
    const auto lock = Acquire(Self("next"));  // ends without recording anything
    ASSERT_TRUE(lock.ok());
    ASSERT_EQ((*lock)->unrecorded().size(), 1U);
    EXPECT_EQ((*lock)->unrecorded()[0].identity.run_id, "first");
    EXPECT_EQ((*lock)->unrecorded()[0].state, "succeeded");
    EXPECT_EQ((*lock)->unrecorded()[0].ended_at_us, 42);
  }
}

TEST_F(WarehouseLocks, CountAsWaitedForIfARunEndedSinceTheProjectWasRead) {
  {
    const auto lock = Acquire(Self("first"));
    ASSERT_TRUE(lock.ok());
    ASSERT_TRUE((*lock)->End("succeeded", true, 42).ok());
  }
  RunIdentity later = Self("later");
  later.started_at_us = 43;
  RunIdentity earlier = Self("earlier");
  earlier.started_at_us = 41;
  {
    const auto lock = Acquire(earlier);
    ASSERT_TRUE(lock.ok());
    EXPECT_TRUE((*lock)->waited());
    ASSERT_TRUE((*lock)->End("succeeded", true, 42).ok());
  }
  const auto lock = Acquire(later);
  ASSERT_TRUE(lock.ok());
  EXPECT_FALSE((*lock)->waited());
}

TEST(RunIdentity, GoesThroughJson) {
  const RunIdentity run = RunIdentity::Own("r", "p", 5);
  EXPECT_EQ(RunIdentity::Parse(run.ToJson()), run);
  EXPECT_EQ(LivenessOf(run), Liveness::kAlive);
  EXPECT_FALSE(RunIdentity::Parse("{}"));
  EXPECT_FALSE(RunIdentity::Parse("not JSON"));
  EXPECT_EQ(RunIdentity::Parse(R"({"run_id": "r", "pid": "many"})")->pid, 0);
  EXPECT_EQ(LivenessOf({.run_id = "r"}), Liveness::kUnknown);
}

}  // namespace
}  // namespace weir
