// SPDX-License-Identifier: Apache-2.0

#include "weir/cli/interrupt.h"

#include <csignal>
#include <thread>

#include <fcntl.h>
#include <unistd.h>

#include "weir/cli/command.h"

namespace weir::cli {

namespace {
// A signal handler may do little more than write to a pipe.
int signal_pipe_write = -1;
volatile std::sig_atomic_t signals_seen = 0;

void OnSignal(int) {
  signals_seen = signals_seen + 1;
  if (signals_seen > 1) _exit(kInterrupted);
  const char byte = 's';
  if (write(signal_pipe_write, &byte, 1) < 0) _exit(kInterrupted);
}
}  // namespace

/// A thread that waits for the signal, or for the end of the scope.
class InterruptScope::Watcher {
 public:
  explicit Watcher(const engine::Cancellation& cancellation) {
    WEIR_CHECK(pipe2(pipe_, O_CLOEXEC) == 0);
    signal_pipe_write = pipe_[1];
    signals_seen = 0;
    previous_int_ = std::signal(SIGINT, OnSignal);
    previous_term_ = std::signal(SIGTERM, OnSignal);
    thread_ = std::thread([this, cancellation] {
      char byte = 0;
      if (read(pipe_[0], &byte, 1) != 1 || byte != 's') return;
      Tell("interrupted: what goes on is being ended; once more ends it at once");
      cancellation.Cancel();
    });
  }
  ~Watcher() {
    std::signal(SIGINT, previous_int_);
    std::signal(SIGTERM, previous_term_);
    const char byte = 'e';
    (void)!write(pipe_[1], &byte, 1);
    thread_.join();
    close(pipe_[0]);
    close(pipe_[1]);
  }
  Watcher(const Watcher&) = delete;
  Watcher& operator=(const Watcher&) = delete;

 private:
  int pipe_[2] = {-1, -1};
  void (*previous_int_)(int) = SIG_DFL;
  void (*previous_term_)(int) = SIG_DFL;
  std::thread thread_;
};

InterruptScope::InterruptScope() : watcher_(std::make_unique<Watcher>(cancellation_)) {}
InterruptScope::~InterruptScope() = default;

}  // namespace weir::cli
