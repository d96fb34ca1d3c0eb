// SSTP sessions in tests: two on one wire, or one of them and a peer played by hand, message by message.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "impl/crypto/random_source.h"
#include "impl/sstp/crypto_binding.h"
#include "impl/sstp/session.h"

namespace gatelab::sstp::test {

inline constexpr Instant kStart = instant_from_unix(1'767'225'600);  // 2026-01-01
inline constexpr Ipv4Address kInner{10, 60, 0, 2}, kServerInner{10, 60, 0, 1}, kTarget{10, 1, 0, 4};

const crypto::Identity& server_identity();
const crypto::TrustStore& trust();
crypto::Identity server_identity_for(std::string common_name, std::vector<std::string> dns_names,
                                     std::vector<Ipv4Address> addresses);

Options client_options();  // alice, "secret", MS-CHAPv2
Options server_options();
ppp::Grant grant(mschap::Success);

// An IPv4 packet of `size` octets.
Bytes inner_packet(Ipv4Address from, Ipv4Address to, std::size_t size = 100);

// Seeds what TLS draws, so that a test repeats; a second one beside the first draws from the first.
class SeededTls {
public:
    SeededTls();
    ~SeededTls();

private:
    inline static bool taken_ = false;
    SeededRandom random_{7, "tls"};
    std::optional<crypto::ScopedRandomSource> source_;
};

// One session and what it said.
struct End {
    End(Options, std::uint64_t seed);

    void take(Instant now);  // sorts what the session says; answers questions about sign-ins
    template <class Event>
    const Event* last() const {
        for (auto at = said.rbegin(); at != said.rend(); ++at)
            if (const auto* event = std::get_if<Event>(&*at)) return event;
        return nullptr;
    }
    std::optional<CloseReason> closed() const;
    std::string why() const;  // the detail of Closed
    bool traced(std::string_view event) const;
    std::string_view state() const { return session.status().state; }

    std::unique_ptr<SeededRandom> random;
    Session session;
    Bytes out;  // not delivered yet
    std::vector<Session::Output> said;
    std::vector<Bytes> delivered;  // inner packets
    std::string password = "secret";
    bool answers_sign_ins = true;
};

class Pair {
public:
    explicit Pair(Options client = client_options(), Options server = server_options());

    void start();
    void run();              // carries bytes, without time passing, until both are silent
    void run_for(Duration);  // and timers
    bool connect();          // start() and run(): whether both are up
    bool send(End& from, const Bytes& packet);

    SeededTls seeded;
    End client, server;
    Instant now = kStart;
    std::size_t cut = 0;    // pieces of that size; 0: as they come
    bool connected = true;  // else the wire swallows what is sent

private:
    void carry(End& from, End& to);
};

// Plays one role by hand against a session of the other.
class Hand {
public:
    Hand(Role own, Options session);

    void start();     // both ends; TLS is up after it
    void exchange();  // carries bytes until both are silent
    void run_for(Duration);
    void say(ByteView plaintext);
    void say(const Message& message) { say(encode(message)); }
    void say_hex(std::string_view hex) { say(from_hex(hex).value()); }

    std::string http();                   // the head that came, and takes it off
    std::vector<Message> messages();      // control messages that came since the last call
    Message message();                    // the only one since the last call; throws when there is none, or more
    std::optional<StatusCode> aborted();  // the status of a Call Abort that has come, among anything else

    // Steps: each goes from the beginning to the state of the session named.
    void to_https();            // TLS is up; a client has sent its HTTP request
    void to_connect_request();  // 200 has been said; a client has sent its Call Connect Request
    void to_connect_ack();      // PPP has begun
    void to_authenticated();    // PPP has authenticated; a client has sent Call Connected, a server waits for it
    void to_call_connected();   // and packets flow

    Role own;
    SeededTls seeded;
    End peer;
    SeededRandom ppp_random;
    tls::Engine tls;
    ppp::Session ppp;
    Bytes received;  // plaintext not looked at yet
    std::vector<Message> heard;
    std::vector<Bytes> heard_packets;  // of heard, as they came
    std::size_t data_heard = 0;
    std::optional<mschap::MasterKeys> keys;
    bool authenticated = false, ppp_open = false, tls_closed = false;
    bool answers_ppp = true;
    Nonce nonce{};
    Instant now = kStart;

    Bytes binding(std::uint8_t hash = kSha256) const;  // a proper Call Connected
    void take_packets();
    void pump_ppp();

private:
    void take_tls();
};

}  // namespace gatelab::sstp::test
