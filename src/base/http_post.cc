// SPDX-License-Identifier: Apache-2.0

#include "weir/base/http_post.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstring>
#include <memory>
#include <optional>

#include <fcntl.h>
#include <fmt/format.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "weir/base/secret_names.h"

namespace weir {

namespace {

using SteadyClock = std::chrono::steady_clock;

struct Address {
  std::string host, port = "80", authority, path = "/";
};

/// Whether a text can stand on a line of a request: it holds nothing up to `most`, and no DEL.
bool FitsLine(const std::string& text, unsigned char most) {
  return std::none_of(text.begin(), text.end(),
                      [&](unsigned char c) { return c <= most || c == 0x7f; });
}

std::string ShownName(std::string name) {
  std::replace_if(
      name.begin(), name.end(), [](unsigned char c) { return c <= ' ' || c >= 0x7f; }, '?');
  return name;
}

std::optional<Address> ParseUrl(const std::string& url) {
  static constexpr std::string_view kScheme = "http://";
  if (!url.starts_with(kScheme) || !FitsLine(url, ' ')) return std::nullopt;
  const size_t begin = kScheme.size(), end = std::min(url.find_first_of("/?#", begin), url.size());
  Address address;
  address.authority = url.substr(begin, end - begin);
  const size_t fragment = std::min(url.find('#', end), url.size());
  const std::string rest = url.substr(end, fragment - end);
  address.path = rest.starts_with('/') ? rest : "/" + rest;
  // What stands before an @ would be sent as a name nowhere.
  if (address.authority.find('@') != std::string::npos) return std::nullopt;
  std::string host = address.authority;
  const size_t bracket = host.find(']'), colon = host.rfind(':');
  if (colon != std::string::npos && (bracket == std::string::npos || colon > bracket)) {
    address.port = host.substr(colon + 1);
    host.resize(colon);
  }
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  if (host.empty() || address.port.empty()) return std::nullopt;
  address.host = host;
  return address;
}

/// A connection with a time by which all must be done.
class Connection {
 public:
  Connection(const Address& address, int64_t timeout_ms)
      : address_(address), deadline_(SteadyClock::now() + std::chrono::milliseconds(timeout_ms)) {}
  ~Connection() {
    if (fd_ >= 0) close(fd_);
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  Status Open() {
    addrinfo wanted{};
    wanted.ai_socktype = SOCK_STREAM;
    addrinfo* list = nullptr;
    const int found = getaddrinfo(address_.host.c_str(), address_.port.c_str(), &wanted, &list);
    if (found != 0) return Fail(gai_strerror(found));
    const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(list, freeaddrinfo);
    Status last = Fail("no address");
    for (const addrinfo* one = list; one != nullptr; one = one->ai_next) {
      last = Connect(*one);
      if (last.ok()) return last;
    }
    return last;
  }

  Status Send(std::string_view text) {
    while (!text.empty()) {
      const ssize_t sent = send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
      if (sent > 0) {
        text.remove_prefix(static_cast<size_t>(sent));
      } else if (errno == EAGAIN) {
        if (!Wait(POLLOUT)) return Fail("no answer in time");
      } else if (errno != EINTR) {
        return Fail(std::strerror(errno));
      }
    }
    return Status::OK();
  }

  /// The beginning of the answer: all of it, or as much as says enough.
  Status Receive(std::string& answer) {
    static constexpr size_t kEnough = 8192;
    std::array<char, 4096> buffer{};
    while (answer.size() < kEnough) {
      const ssize_t got = recv(fd_, buffer.data(), buffer.size(), 0);
      if (got == 0) break;
      if (got > 0) {
        answer.append(buffer.data(), static_cast<size_t>(got));
        // Some servers keep the connection, whatever they are asked; the head says enough.
        if (answer.find("\r\n\r\n") != std::string::npos) break;
      } else if (errno == EAGAIN) {
        if (!Wait(POLLIN)) return Fail("no answer in time");
      } else if (errno != EINTR) {
        return Fail(std::strerror(errno));
      }
    }
    return Status::OK();
  }

  Status Fail(std::string_view why) const {
    return Status::Environment(StatusCode::kIo, "`http://{}` did not take it: {}",
                               address_.authority, why);
  }

 private:
  bool Wait(short what) const {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline_ - SteadyClock::now());
    pollfd waits{.fd = fd_, .events = what, .revents = 0};
    return left.count() > 0 && poll(&waits, 1, static_cast<int>(left.count())) > 0;
  }

  Status Connect(const addrinfo& to) {
    if (fd_ >= 0) close(fd_);
    fd_ = socket(to.ai_family, to.ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, to.ai_protocol);
    if (fd_ < 0) return Fail(std::strerror(errno));
    if (connect(fd_, to.ai_addr, to.ai_addrlen) == 0) return Status::OK();
    if (errno != EINPROGRESS) return Fail(std::strerror(errno));
    if (!Wait(POLLOUT)) return Fail("no answer in time");
    int error = 0;
    socklen_t size = sizeof(error);
    getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size);
    return error == 0 ? Status::OK() : Fail(std::strerror(error));
  }

  const Address address_;
  const SteadyClock::time_point deadline_;
  int fd_ = -1;
};

std::string RequestOf(const HttpPost& post, const Address& address) {
  std::string text = fmt::format(
      "POST {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: weir\r\nAccept: */*\r\nConnection: close\r\n"
      "Content-Type: {}\r\nContent-Length: {}\r\n",
      address.path, address.authority, post.content_type, post.body.size());
  for (const auto& [name, value] : post.headers) text += fmt::format("{}: {}\r\n", name, value);
  return text + "\r\n" + post.body;
}

/// "HTTP/1.1 200 OK" as 200; 0 for what is no answer of HTTP.
int NumberOf(const std::string& answer) {
  int number = 0;
  const size_t blank = answer.find(' ');
  if (!answer.starts_with("HTTP/1.") || blank == std::string::npos) return 0;
  (void)std::from_chars(answer.data() + blank + 1, answer.data() + answer.size(), number);
  return number;
}

}  // namespace

bool IsHttpUrl(const std::string& url) { return ParseUrl(url).has_value(); }

bool FitsHeader(const std::string& text) { return FitsLine(text, ' ' - 1); }

Status SendHttpPost(const HttpPost& post) {
  const auto address = ParseUrl(post.url);
  if (!address) {
    return Status::User(StatusCode::kInvalidArgument,
                        "a URL such as `http://localhost:4318` is wanted, found `{}`",
                        WithoutUserInfo(post.url));
  }
  for (const auto& [name, value] : post.headers) {
    if (!FitsLine(name, ' ') || !FitsHeader(value)) {
      return Status::User(StatusCode::kInvalidArgument, "the header `{}` does not fit on one line",
                          ShownName(name));
    }
  }
  Connection connection(*address, post.timeout_ms);
  WEIR_RETURN_NOT_OK(connection.Open());
  WEIR_RETURN_NOT_OK(connection.Send(RequestOf(post, *address)));
  std::string answer;
  WEIR_RETURN_NOT_OK(connection.Receive(answer));
  const int number = NumberOf(answer);
  if (number >= 200 && number < 300) return Status::OK();
  std::string line = answer.substr(0, std::min(answer.find("\r\n"), answer.size()));
  std::replace_if(
      line.begin(), line.end(), [](unsigned char c) { return c < ' ' || c >= 0x7f; }, '?');
  static constexpr size_t kMostShown = 100;
  line.resize(std::min(line.size(), kMostShown));
  return connection.Fail(line.empty() ? "it closed the connection" : "it answered `" + line + "`");
}

}  // namespace weir
