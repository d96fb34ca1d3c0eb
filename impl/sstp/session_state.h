// What a session is made of; for the files of this room.
#pragma once

#include <array>
#include <utility>

#include "impl/base/drop_log.h"
#include "impl/http/head.h"
#include "impl/sstp/crypto_binding.h"
#include "impl/sstp/session.h"

namespace gatelab::sstp {

// [MS-SSTP]'s CurrentState (sections 3.1.1.1, 3.2.1.1.1 and 3.3.1.1.1), with what comes before and after it. The states
// named ..._In_Progress_1 and _2 last no longer than a function here.
enum class Stage {
    Idle,                      // not started
    Https,                     // Client_Call_Disconnected, Server_Call_Disconnected: TLS and the request
    ConnectRequestSent,        // client
    ConnectAckReceived,        // client
    ConnectRequestPending,     // server
    CallConnectedPending,      // server
    CallConnected,             // both
    AbortPending,              // we sent Call Abort and wait for the other
    AbortTimeoutPending,       // both have sent it
    DisconnectAckPending,      // we sent Call Disconnect
    DisconnectTimeoutPending,  // we have acknowledged one
    Closed,
};

// What a message is to a state.
enum class Reaction { Process, Ignore, Abort };
Reaction reaction_to(MessageType, Role, Stage);

// The call is being ended, whoever began.
constexpr bool is_ending(Stage stage) {
    return stage == Stage::AbortPending || stage == Stage::AbortTimeoutPending ||
           stage == Stage::DisconnectAckPending || stage == Stage::DisconnectTimeoutPending;
}
// PPP's frames pass (sections 3.2.7.2 and 3.3.7.2).
constexpr bool carries_ppp(Stage stage) {
    return stage == Stage::ConnectAckReceived || stage == Stage::CallConnectedPending || stage == Stage::CallConnected;
}

using Deliver = FunctionRef<void(ByteView inner)>;

struct Session::State {
    State(Options with, Random& from, tls::Engine engine, ppp::Session link)
        : options(std::move(with)), random(from), tls(std::move(engine)), ppp(std::move(link)) {}

    bool is_client() const { return options.role == Role::Client; }

    // session.cpp
    void pump(Instant now, Deliver deliver);
    void take_tls(Instant now, tls::Engine::Closed&);
    void become(Stage next, std::string_view why);
    void trace(std::string event, Attributes attributes);
    void drop(Instant now, std::string why);  // says so, a few times a second
    void finish(Instant now, bool farewell);
    void end(CloseReason reason, std::string detail);  // the first reason stays

    // session_https.cpp
    void handle_established(Instant now, tls::Engine::Established&);
    ByteView handle_https(Instant now, ByteView plaintext);  // gives back what belongs to SSTP
    void handle_plain_http(Instant now, ByteView bytes);
    void handle_request(Instant now, const std::string& head);
    void handle_answer(Instant now, const std::string& head);
    void answer(Instant now, int status, std::string_view reason, const std::string& text,
                const http::Fields& more = {});

    // session_call.cpp
    void handle_message(Instant now, ByteView packet);
    void handle_connect_request(Instant now, const Message&);
    void handle_connect_ack(Instant now, const Message&);
    void handle_connect_nak(Instant now, const Message&);
    void handle_connected(Instant now, const Message&, ByteView packet);
    void handle_abort(Instant now, const Message&);
    void handle_disconnect(Instant now, const Message&);
    void send(Instant now, const Message&);
    void send_connect_request(Instant now);
    void abort(Instant now, StatusInfo status, CloseReason reason, std::string detail);
    void disconnect(Instant now, CloseReason reason, std::string detail);
    void enter_call(Instant now);

    // session_data.cpp
    void handle_stream(Instant now, ByteView plaintext, Deliver deliver);
    void handle_packet(Instant now, ByteView packet, Deliver deliver);
    void pump_ppp(Instant now);
    void send_frame(Instant now, ByteView frame);
    void report_open();

    Options options;
    Random& random;
    tls::Engine tls;
    ppp::Session ppp;
    Stage stage = Stage::Idle;
    std::optional<Instant> deadline;  // of the stage
    std::optional<std::pair<CloseReason, std::string>> ending;
    std::vector<Output> outputs;

    // HTTPS.
    bool plain_http = false, first_bytes = true;  // server: not a TLS client
    http::HeadReader reader;
    int interim = 0;  // client: 1xx answers
    std::string peer_certificate_name, tls_version, tls_suite, correlation;
    Bytes certificate;  // the server's, DER

    // The call.
    Bytes partial;  // of a packet that came in pieces
    Nonce nonce{};
    std::uint8_t hash = 0;  // client: chosen; server: verified
    int requests = 0;       // client: sent; server: refused
    bool bound = false;     // the binding has been sent or verified
    bool authenticated = false;
    std::optional<mschap::MasterKeys> keys;
    std::optional<ppp::Agreed> agreed;
    bool open = false;  // Opened has been said
    std::optional<Instant> hello_at;
    DropLog drops;
    bool hello_out = false;  // an echo request has had no answer of any kind

    std::uint64_t hellos = 0, data_in = 0, data_out = 0, control_in = 0, control_out = 0, dropped = 0;
};

std::string_view state_name(Role, Stage);

}  // namespace gatelab::sstp
