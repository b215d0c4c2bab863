// SPDX-License-Identifier: Apache-2.0

#include "weir/base/child_process.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

namespace weir {

namespace {

using SteadyClock = std::chrono::steady_clock;

/// How often it is looked whether a process without output has ended.
constexpr int kPollMs = 5;

/// Closes what it holds.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() { Close(); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  int get() const { return fd_; }
  void Set(int fd) {
    Close();
    fd_ = fd;
  }
  void Close() {
    if (fd_ >= 0) close(fd_);
    fd_ = -1;
  }

 private:
  int fd_ = -1;
};

Status Failure(const char* what) {
  return Status::Environment(StatusCode::kIo, "{}: {}", what, std::strerror(errno));
}

Status MakePipe(Descriptor& reads, Descriptor& writes) {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return Failure("a pipe cannot be made");
  reads.Set(ends[0]);
  writes.Set(ends[1]);
  return Status::OK();
}

/// A file in memory: unlike a pipe it can be left unread, and opened anew by its name.
Status MakeInput(const std::string& text, Descriptor& file) {
  file.Set(memfd_create("weir-input", MFD_CLOEXEC));
  if (file.get() < 0) return Failure("a file in memory cannot be made");
  for (size_t done = 0; done < text.size();) {
    const ssize_t wrote = write(file.get(), text.data() + done, text.size() - done);
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0) return Failure("a file in memory cannot be written");
    done += static_cast<size_t>(wrote);
  }
  if (lseek(file.get(), 0, SEEK_SET) != 0) return Failure("a file in memory cannot be read");
  return Status::OK();
}

/// What happens between fork and exec, where almost nothing may be called.
[[noreturn]] void Become(const ChildProcess& child, char* const* words, int input, int output,
                         int tells, bool tells_lines) {
  // In a group of its own it can be ended with all that it starts.
  setpgid(0, 0);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  signal(SIGPIPE, SIG_DFL);
  signal(SIGINT, SIG_DFL);
  signal(SIGTERM, SIG_DFL);
  const bool is_placed = (child.directory.empty() || chdir(child.directory.c_str()) == 0) &&
                         dup2(input, STDIN_FILENO) >= 0 && dup2(output, STDOUT_FILENO) >= 0;
  if (is_placed && tells_lines) dup2(output, STDERR_FILENO);
  if (is_placed && child.is_silent) {
    const int nowhere = open("/dev/null", O_WRONLY);
    if (nowhere >= 0) dup2(nowhere, STDERR_FILENO);
  }
  if (is_placed) execvp(words[0], words);
  const int reason = errno;
  [[maybe_unused]] const ssize_t told = write(tells, &reason, sizeof(reason));
  _exit(127);
}

/// Why the program did not start; 0 if it did.
int ReasonOf(int fd) {
  int reason = 0;
  ssize_t got = 0;
  do {
    got = read(fd, &reason, sizeof(reason));
  } while (got < 0 && errno == EINTR);
  return got == sizeof(reason) ? reason : 0;
}

/// Takes what there is, and returns whether more may come.
bool TakeOutput(int fd, std::string& output) {
  std::array<char, 16384> buffer{};
  const ssize_t got = read(fd, buffer.data(), buffer.size());
  if (got < 0) return errno == EINTR || errno == EAGAIN;
  if (got == 0) return false;
  const size_t room = ChildProcess::kMostOutputBytes - output.size();
  output.append(buffer.data(), std::min(static_cast<size_t>(got), room));
  return true;
}

/// Gives the lines away that are complete; at the end what is left, too.
void TellLines(const ChildProcess& child, bool is_end, std::string& output) {
  if (!child.on_line) return;
  size_t begin = 0;
  for (size_t end = output.find('\n'); end != std::string::npos; end = output.find('\n', begin)) {
    child.on_line(std::string_view(output).substr(begin, end - begin));
    begin = end + 1;
  }
  output.erase(0, begin);
  if (!is_end || output.empty()) return;
  child.on_line(output);
  output.clear();
}

ChildProcessEnd Await(pid_t pid, int output, const ChildProcess& child) {
  ChildProcessEnd end;
  const auto deadline = SteadyClock::now() + std::chrono::milliseconds(child.timeout_ms);
  bool reads = output >= 0;
  int state = 0;
  while (true) {
    if (reads) {
      pollfd waits{.fd = output, .events = POLLIN, .revents = 0};
      if (poll(&waits, 1, kPollMs) > 0) {
        reads = TakeOutput(output, end.output);
        TellLines(child, /*is_end=*/false, end.output);
        if (reads && SteadyClock::now() < deadline && !child.is_given_up) continue;
      }
    }
    const pid_t ended = waitpid(pid, &state, WNOHANG);
    if (ended == pid || (ended < 0 && errno != EINTR)) break;
    end.given_up = child.is_given_up && child.is_given_up();
    end.timed_out = SteadyClock::now() >= deadline;
    if (end.given_up || end.timed_out) {
      kill(-pid, SIGKILL);
      kill(pid, SIGKILL);
      waitpid(pid, &state, 0);
      break;
    }
    if (!reads) poll(nullptr, 0, kPollMs);
  }
  // What it wrote last; what others hold open is not waited for.
  pollfd waits{.fd = output, .events = POLLIN, .revents = 0};
  while (reads && poll(&waits, 1, 0) > 0 && TakeOutput(output, end.output))
    TellLines(child, /*is_end=*/false, end.output);
  TellLines(child, /*is_end=*/true, end.output);
  end.signal = WIFSIGNALED(state) ? WTERMSIG(state) : 0;
  end.exit_code = WIFEXITED(state) ? WEXITSTATUS(state) : -1;
  return end;
}

}  // namespace

Result<ChildProcessEnd> RunChildProcess(const ChildProcess& child) {
  Descriptor input, reads_output, writes_output, reads_reason, writes_reason;
  WEIR_RETURN_NOT_OK(MakeInput(child.input, input));
  WEIR_RETURN_NOT_OK(MakePipe(reads_reason, writes_reason));
  const bool tells_lines = child.on_line != nullptr;
  const bool has_pipe = child.keeps_output || tells_lines;
  if (has_pipe) WEIR_RETURN_NOT_OK(MakePipe(reads_output, writes_output));
  std::vector<char*> words;
  words.reserve(child.words.size() + 1);
  for (const std::string& word : child.words) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  const pid_t pid = fork();
  if (pid < 0) return Failure("a process cannot be started");
  if (pid == 0) {
    Become(child, words.data(), input.get(), has_pipe ? writes_output.get() : STDERR_FILENO,
           writes_reason.get(), tells_lines);
  }
  writes_reason.Close();
  writes_output.Close();
  if (const int reason = ReasonOf(reads_reason.get()); reason != 0) {
    waitpid(pid, nullptr, 0);
    return Status::User(reason == EACCES ? StatusCode::kPermission : StatusCode::kNotFound,
                        "the program `{}` cannot be started: {}", child.words[0],
                        std::strerror(reason));
  }
  return Await(pid, has_pipe ? reads_output.get() : -1, child);
}

std::string Describe(const ChildProcessEnd& end, int64_t timeout_ms) {
  if (end.timed_out)
    return fmt::format("took longer than {} s and was ended",
                       static_cast<double>(timeout_ms) / 1000);
  if (end.signal != 0) return fmt::format("was ended by signal {}", end.signal);
  return fmt::format("ended with exit code {}", end.exit_code);
}

}  // namespace weir
