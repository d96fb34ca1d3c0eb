// The inside of a Session, shared by the files that carry out its jobs:
//
//   session.cpp          the door: making one, the data path, what it looks like
//   session_packets.cpp  frames in and out
//   session_phases.cpp   from one phase to the next, and the turn that every event ends with
//   session_time.cpp     deadlines and echoes
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "impl/base/drop_log.h"
#include "impl/ppp/ipcp.h"
#include "impl/ppp/lcp.h"
#include "impl/ppp/session.h"
#include "impl/ppp/sign_in.h"

namespace gatelab::ppp {

struct Session::State {
    State(Options, Random&);

    // session.cpp
    ByteView seal();
    Status status() const;

    // session_packets.cpp
    void handle_frame(Instant now, ByteView frame, FunctionRef<void(ByteView)> deliver);
    void deliver_inner(Instant now, ByteView information, FunctionRef<void(ByteView)> deliver);
    void handle_control(Instant now, Protocol, ByteView information);
    void handle_lcp(Instant now, const Packet&);
    void handle_early_goodbye(Instant now, Protocol, const Packet&);
    void handle_sign_in(Instant now, Protocol, const Packet&);
    void handle_echo_request(Instant now, const Packet&);
    void handle_protocol_reject(Instant now, const Packet&);
    void reject_protocol(Instant now, Protocol, ByteView information);
    void send(Instant now, Protocol, ByteView packet);
    void drop(Instant now, const Error&);
    void ignore(Instant now, std::string why) { drop(now, {Fault::Refused, std::move(why)}); }

    // session_phases.cpp
    void start(Instant now);
    void settle(Instant now);  // the end of every turn: what the layers said, until they say no more
    template <class Policy>
    bool take_layer(Instant now, Protocol, ControlProtocol<Policy>&);
    void take_up(Instant now, const Lcp&);
    void take_up(Instant now, const Ipcp&);
    void take_down(Instant now, const Lcp&, CloseReason, std::string detail);
    void take_down(Instant now, const Ipcp&, CloseReason, std::string detail);
    void take_failed(Instant now, const Lcp&, const std::string& why);
    void take_failed(Instant now, const Ipcp&, const std::string& why);
    void take_finished(Instant now, Protocol, CloseReason, std::string detail);
    bool take_sign_in(Instant now);
    void take_done(Instant now, const SignInDone&);
    void grant(Instant now, Grant);
    void refuse(Instant now, std::string reason);
    void close(Instant now);
    void count_restart(Instant now);
    void leave(Instant now, CloseReason, std::string detail);  // says goodbye first
    void conclude(CloseReason, std::string detail);
    void become(Phase, std::string_view why);
    void trace(std::string event, Attributes attributes);
    void trace_message(Instant now, std::string event, Protocol, ByteView packet);

    // session_time.cpp
    void handle_timeout(Instant now);
    std::optional<Instant> next_timeout() const;
    std::optional<Instant> next_echo() const;
    void echo(Instant now);

    bool is_server() const { return options.role == Role::Server; }
    bool carries_network() const { return phase == Phase::Network || phase == Phase::Open; }

    Options options;
    Random& random;
    Phase phase = Phase::Dead;
    ControlProtocol<Lcp> lcp;
    SignInEngine sign_in;
    std::optional<ControlProtocol<Ipcp>> ipcp;
    std::optional<Authentication> authentication;
    std::string claimed_name, peer_name;
    std::optional<Grant> granted;  // server: until IPCP takes it
    bool has_proof = false;        // server: the owner has been asked; client: the server is proved
    bool is_judging = false;       // server: the owner has not answered yet
    std::optional<Instant> authenticate_until;
    std::optional<Agreed> agreed;
    std::optional<Instant> opened_at;
    Instant last_heard{}, last_echo{};
    int echoes_unanswered = 0;
    int restarts = 0;  // of a layer that was up, in a row
    std::optional<std::pair<CloseReason, std::string>> ending;
    Counters counters;
    DropLog drops;
    Instant tracing_since{};
    int traced = 0;  // messages, since then
    std::vector<Output> outputs;
};

}  // namespace gatelab::ppp
