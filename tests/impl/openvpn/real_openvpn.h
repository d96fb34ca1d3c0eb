// The installed openvpn, with a tunnel interface of its own, and our session at the other end of a loopback socket.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "impl/crypto/random_source.h"
#include "impl/openvpn/session.h"

namespace gatelab::openvpn::test {

// Moves this program into a network namespace of its own, once. Why that, or openvpn itself, is not to be had; else
// nothing.
std::optional<std::string> why_no_real_openvpn();

Instant real_now();

// Certificates that are valid today.
struct RealPki {
    crypto::Identity root, server, client;
    crypto::TrustStore trust() const;
};
const RealPki& real_pki();

// The real program with this configuration; ended with the object.
class RealProgram {
public:
    // `files` are written next to the configuration.
    RealProgram(const std::string& configuration, const std::vector<std::pair<std::string, std::string>>& files);
    ~RealProgram();
    RealProgram(const RealProgram&) = delete;
    RealProgram& operator=(const RealProgram&) = delete;

    std::string log() const;
    bool logged(std::string_view text) const { return log().find(text) != std::string::npos; }
    bool running();
    void signal(int number) const;

private:
    std::filesystem::path folder_;
    pid_t pid_ = -1;
};

// Our end: a session over a real UDP or TCP socket.
class RealEnd {
public:
    // A client connects to 127.0.0.1:port, a server waits there.
    RealEnd(Options, std::uint16_t port);
    ~RealEnd();

    // Pumps packets until it holds; false after `at_most`.
    bool run_until(const std::function<bool()>& holds, Duration at_most = std::chrono::seconds(10));
    void run_for(Duration span) {
        run_until([] { return false; }, span);
    }
    void collect();
    bool send(ByteView inner);
    // ICMP echo requests through the tunnel, one every few milliseconds. How many were answered.
    int ping(Ipv4Address from, Ipv4Address to, int count, std::size_t size = 56);

    template <class Event>
    const Event* find() const {
        for (auto output = said.rbegin(); output != said.rend(); ++output)
            if (const auto* event = std::get_if<Event>(&*output)) return event;
        return nullptr;
    }
    std::string story() const;  // what was said, for a failed test

private:
    crypto::SystemRandom random_;  // before the session, which draws from it at once

public:
    Session session;
    std::vector<Session::Output> said;
    std::vector<Bytes> received;
    std::function<void(const Session::PeerAuthenticated&)> on_peer;
    std::function<bool()> loses = [] { return false; };  // asked for every packet, in and out

private:
    void open_socket();
    void write_packet(ByteView);
    void read_packets();
    void handle(ByteSpan packet);

    Options options_;
    std::uint16_t port_;
    int listener_ = -1, socket_ = -1;
    bool has_peer_ = false;
    Deframer deframer_;
};

}  // namespace gatelab::openvpn::test
