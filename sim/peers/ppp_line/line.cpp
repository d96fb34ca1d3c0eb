#include "sim/peers/ppp_line/line.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <ctime>

#include "sim/peers/ppp_line/card.h"
#include "sim/peers/ppp_line/keys.h"

namespace gatelab::sim::peers::ppp_line {
namespace {

constexpr std::size_t kBacklog = 64 * 1024;  // octets that wait for sstpc, beyond which packets are dropped
constexpr int kGoodbyeMs = 1000;             // that sstpc has to end
constexpr const char* kPppBegins = "Started PPP Link Negotiation";

Instant now() {
    timespec time{};
    ::clock_gettime(CLOCK_MONOTONIC, &time);
    return Instant{std::chrono::seconds{time.tv_sec} + std::chrono::nanoseconds{time.tv_nsec}};
}

void say(const std::string& text) {
    const auto line = fmt::format("line: {}\n", text);
    (void)!::write(STDOUT_FILENO, line.data(), line.size());
}

ppp::Options options_of(const Settings& settings) {
    ppp::Options options;
    options.role = ppp::Role::Client;
    options.authentication = {ppp::Authentication::MsChapV2, ppp::Authentication::Pap};
    options.credentials = ppp::Credentials{settings.user, settings.password};
    options.mru = settings.mru;
    options.address_control = true;  // as pppd does
    return options;
}

}  // namespace

Result<Line> Line::create(Settings settings, Random& random, int signals) {
    auto session = ppp::Session::create(options_of(settings), random);
    if (!session) return pass(session);
    FileDescriptor log{::open(settings.log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644)};
    if (!log) return fail(Fault::Io, "cannot write " + settings.log);
    auto child = Child::start(settings.run, settings.with);
    if (!child) return pass(child);
    return Line{std::move(settings), std::move(*child), std::move(*session), signals, std::move(log)};
}

void Line::serve() {
    while (!over_) {
        wait();
        session_.handle_timeout(now());
        act();
        flush();
    }
    // On a socket, unlike on a terminal, sstpc may not notice that its line is gone.
    child_.hang_up();
    child_.kill(SIGTERM);
    pollfd words{child_.words(), POLLIN, 0};
    while (::poll(&words, 1, kGoodbyeMs) == 1 && copy_words() > 0) {
    }
}

void Line::wait() {
    std::array<pollfd, 4> fds{{{signals_, POLLIN, 0},
                               {child_.words(), POLLIN, 0},
                               {child_.line(), static_cast<short>(unsent_.empty() ? POLLIN : POLLIN | POLLOUT), 0},
                               {card_ ? card_.get() : -1, POLLIN, 0}}};
    int patience = -1;
    if (const auto next = session_.next_timeout()) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(*next - now()).count();
        patience = static_cast<int>(std::clamp<std::int64_t>(left, 0, 60'000));
    }
    if (::poll(fds.data(), fds.size(), patience) < 0) return;
    if (fds[1].revents) read_words();
    if (fds[2].revents & (POLLIN | POLLHUP)) read_line();
    if (fds[3].revents) read_card();
    if (fds[0].revents) handle_signal();
}

void Line::handle_signal() {
    signalfd_siginfo info{};
    while (::read(signals_, &info, sizeof info) == sizeof info) {
        if (info.ssi_signo == SIGINT) return end("requested", "");
        if (info.ssi_signo == SIGTERM) {
            if (!started_) return end("requested", "");
            session_.close(now());
        } else if (info.ssi_signo == SIGCHLD) {
            while (::waitpid(-1, nullptr, WNOHANG) > 0) {
            }
        }
    }
}

// How many octets of sstpc's words went to its log: 0 once it has ended.
std::size_t Line::copy_words() {
    std::array<char, 4096> buffer;
    const auto count = ::read(child_.words(), buffer.data(), buffer.size());
    if (count <= 0) return 0;
    const auto size = static_cast<std::size_t>(count);
    (void)!::write(log_.get(), buffer.data(), size);
    if (!started_) words_.append(buffer.data(), size);
    return size;
}

// sstpc tells when the server is ready for PPP.
void Line::read_words() {
    if (copy_words() == 0) return end("carrier-lost", "sstpc has ended");
    if (started_) return;
    if (words_.find(kPppBegins) != words_.npos) {
        started_ = true;
        session_.start(now());
    }
    words_.erase(0, words_.rfind('\n') + 1);
}

void Line::read_line() {
    std::array<std::uint8_t, 16 * 1024> buffer;
    const auto count = ::read(child_.line(), buffer.data(), buffer.size());
    if (count <= 0) return;  // sstpc's words end with it, and tell why
    const auto at = now();
    reader_.take({buffer.data(), static_cast<std::size_t>(count)}, [&](ByteView frame) {
        session_.handle_frame(at, frame, [&](ByteView packet) {
            if (card_) (void)!::write(card_.get(), packet.data(), packet.size());
        });
        act();  // packets may follow at once what opens the link
    });
}

void Line::read_card() {
    std::array<std::uint8_t, 4096> packet;
    for (ssize_t count; (count = ::read(card_.get(), packet.data(), packet.size())) > 0;) {
        const ByteView inner{packet.data(), static_cast<std::size_t>(count)};
        if (packet[0] >> 4 != 4) continue;
        const auto head = session_.seal(now(), inner);
        if (head.empty()) continue;
        frame_.assign(head.begin(), head.end());
        append(frame_, inner);
        send(frame_, true);
    }
}

void Line::act() {
    for (auto& output : session_.drain()) {
        if (const auto* out = std::get_if<ppp::Session::Send>(&output)) send(out->frame, false);
        if (const auto* done = std::get_if<ppp::Session::Authenticated>(&output)) {
            const auto how = session_.status().authentication;
            say(fmt::format("authenticated {}", how ? ppp::name_of(*how) : "?"));
            if (const auto told = tell_keys(settings_.socket, done->keys); !told)
                return end("protocol-error", told.error().detail);
        }
        if (const auto* opened = std::get_if<ppp::Session::Opened>(&output)) open(opened->agreed);
        if (const auto* closed = std::get_if<ppp::Session::Closed>(&output))
            end(ppp::name_of(closed->reason), closed->detail);
    }
}

void Line::open(const ppp::Agreed& agreed) {
    auto card = open_card(settings_.card, agreed, settings_.up);
    if (!card) return end("protocol-error", card.error().detail);
    card_ = std::move(*card);
    say(fmt::format("address {}", to_string(agreed.address)));
    for (const auto server : agreed.dns) say(fmt::format("dns {}", to_string(server)));
    say("up");
}

void Line::send(ByteView frame, bool may_be_dropped) {
    if (may_be_dropped && unsent_.size() > kBacklog) return;
    ppp::append_hdlc(unsent_, frame);
    flush();
}

void Line::flush() {
    if (unsent_.empty()) return;
    const auto sent = ::send(child_.line(), unsent_.data(), unsent_.size(), MSG_NOSIGNAL);
    if (sent > 0) unsent_.erase(unsent_.begin(), unsent_.begin() + sent);
}

void Line::end(std::string_view reason, std::string_view detail) {
    if (std::exchange(over_, true)) return;
    flush();
    say(fmt::format("closed {} {}", reason, detail));
}

}  // namespace gatelab::sim::peers::ppp_line
