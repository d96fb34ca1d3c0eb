#include "tests/impl/ppp/pair.h"

#include <algorithm>

namespace gatelab::ppp::test {
namespace {

constexpr Endpoint kClientEnd{Ipv4Address{10, 1, 0, 2}, 1}, kServerEnd{Ipv4Address{10, 2, 0, 2}, 2};
constexpr std::string_view kName = "alice", kPassword = "s3cret";

Session make(Options options, Random& random) {
    auto made = Session::create(std::move(options), random);
    if (!made) throw std::runtime_error(made.error().detail);
    return std::move(*made);
}

}  // namespace

Options client_options(Authentication method) {
    Options options;
    options.role = Role::Client;
    options.authentication = {method};
    options.credentials = Credentials{std::string{kName}, std::string{kPassword}};
    return options;
}

Options server_options(Authentication method) {
    Options options;
    options.role = Role::Server;
    options.authentication = {method};
    options.name = "gateway";
    return options;
}

Grant usual_grant() { return {.success = {}, .address = kClientAddress, .own = kServerAddress, .dns = {kDns1, kDns2}}; }

End::End(Options options, std::uint64_t seed)
    : random(seed, options.role == Role::Client ? "client" : "server"), session(make(std::move(options), random)) {
    on_sign_in = [this](Instant now, const SignIn& sign_in) {
        const auto success = judge(sign_in, kName, kPassword);
        if (!success) return session.refuse(now, "unknown name or wrong password");
        auto grant = usual_grant();
        grant.success = *success;
        session.grant(now, grant);
    };
}

std::optional<CloseReason> End::closed() const {
    const auto found = all<Session::Closed>();
    return found.empty() ? std::nullopt : std::optional{found.back().reason};
}

std::string End::why_closed() const {
    const auto found = all<Session::Closed>();
    return found.empty() ? "" : std::string{name_of(found.back().reason)} + ": " + found.back().detail;
}

std::vector<Bytes> End::collect(Instant now) {
    std::vector<Bytes> frames;
    for (auto outputs = session.drain(); !outputs.empty(); outputs = session.drain()) {
        for (auto& output : outputs) {
            if (closed()) throw std::runtime_error("a session spoke after it had closed");
            said.push_back(output);
            if (const auto* send = std::get_if<Session::Send>(&output)) frames.push_back(send->frame);
            if (const auto* asked = std::get_if<Session::SignInAsked>(&output)) on_sign_in(now, asked->sign_in);
        }
    }
    return frames;
}

std::vector<Bytes> End::feed(Instant now, ByteView frame) {
    session.handle_frame(now, frame, [&](ByteView inner) { received.push_back(copy_of(inner)); });
    return collect(now);
}

Pair::Pair(Options client_side, Options server_side, std::uint64_t seed, WireQuality quality)
    : wire(seed, quality), client(std::move(client_side), seed), server(std::move(server_side), seed) {}

void Pair::start() {
    call([&] {
        server.session.start(now);
        client.session.start(now);
    });
}

void Pair::call(const std::function<void()>& command) {
    command();
    take(client, client.collect(now));
    take(server, server.collect(now));
}

bool Pair::send(End& from, ByteView inner) {
    const auto prefix = from.session.seal(now, inner);
    if (prefix.empty()) return false;
    auto frame = copy_of(prefix);
    append(frame, inner);
    take(from, {frame});
    return true;
}

void Pair::take(End& from, std::vector<Bytes> frames) {
    const bool is_client = &from == &client;
    for (auto& frame : frames) {
        Parcel parcel{now, 0, is_client ? kClientEnd : kServerEnd, is_client ? kServerEnd : kClientEnd,
                      std::move(frame)};
        sent.push_back(parcel);
        wire.send(now, std::move(parcel));
    }
}

bool Pair::step(Instant until) {
    const auto arrival = wire.next_arrival();
    const auto next = earlier(arrival, earlier(client.session.next_timeout(), server.session.next_timeout()));
    if (!next || *next > until) return false;
    // An engine whose deadline does not move would keep us here for ever.
    turns_ = *next <= now ? turns_ + 1 : 0;
    if (turns_ > 100'000) throw std::runtime_error("time stands still");
    now = std::max(now, *next);
    if (arrival && *arrival <= now) {
        const auto parcel = wire.take();
        End& end = parcel.to == kClientEnd ? client : server;
        take(end, end.feed(now, parcel.bytes));
        return true;
    }
    call([&] {
        client.session.handle_timeout(now);
        server.session.handle_timeout(now);
    });
    return true;
}

void Pair::run_for(Duration span) {
    const Instant until = now + span;
    while (step(until)) {
    }
    now = until;
}

bool Pair::run_until(const std::function<bool()>& holds, Duration at_most) {
    const Instant until = now + at_most;
    while (!holds())
        if (!step(until)) return false;
    return true;
}

std::optional<Bytes> Heard::option(std::uint8_t type) const {
    const auto options = parse_options(data);
    if (!options) return {};
    for (const auto& option : *options)
        if (option.type == type) return copy_of(option.value);
    return {};
}

std::vector<Heard> heard(const std::vector<Bytes>& frames) {
    std::vector<Heard> found;
    for (const auto& bytes : frames) {
        const auto frame = parse_frame(bytes);
        const auto packet = parse_packet(frame->information);
        if (!packet) throw std::runtime_error("the session sent " + to_hex(bytes));
        found.push_back({frame->protocol, packet->code, packet->identifier, copy_of(packet->data)});
    }
    return found;
}

Bytes frame_of(Protocol protocol, std::uint8_t code, std::uint8_t identifier, ByteView data) {
    const auto packet = encode(Packet{code, identifier, data});
    return ByteWriter{}.u16(static_cast<std::uint16_t>(protocol)).bytes(packet).take();
}

Bytes ip_frame(ByteView packet) {
    return ByteWriter{}.u16(static_cast<std::uint16_t>(Protocol::Ipv4)).bytes(packet).take();
}

Bytes hex(std::string_view digits) { return from_hex(digits).value(); }

Lone::Lone(Options options) : end(std::move(options)) {}

std::vector<Heard> Lone::note(const std::vector<Bytes>& frames) {
    auto found = heard(frames);
    log.insert(log.end(), found.begin(), found.end());
    return found;
}

std::vector<Heard> Lone::feed(ByteView frame) { return note(end.feed(now, frame)); }
std::vector<Heard> Lone::feed(Protocol protocol, std::uint8_t code, std::uint8_t identifier, ByteView data) {
    return feed(frame_of(protocol, code, identifier, data));
}
std::vector<Heard> Lone::feed(Protocol protocol, Code code, std::uint8_t identifier, ByteView data) {
    return feed(frame_of(protocol, code, identifier, data));
}

std::vector<Heard> Lone::call(const std::function<void()>& command) {
    command();
    return note(end.collect(now));
}

std::vector<Heard> Lone::start() {
    return call([&] { end.session.start(now); });
}

std::vector<Heard> Lone::wait(Duration span) {
    const Instant until = now + span;
    std::vector<Heard> found;
    for (auto next = end.session.next_timeout(); next && *next <= until; next = end.session.next_timeout()) {
        now = std::max(now, *next);
        const auto more = call([&] { end.session.handle_timeout(now); });
        found.insert(found.end(), more.begin(), more.end());
    }
    now = until;
    return found;
}

std::vector<Heard> Lone::agree(Protocol protocol, ByteView options) {
    const auto request = last_request(log, protocol);
    auto found = feed(protocol, Code::ConfigureRequest, 77, options);
    const auto more = feed(protocol, Code::ConfigureAck, request.identifier, request.data);
    found.insert(found.end(), more.begin(), more.end());
    return found;
}

void Lone::to_authenticate() {
    start();
    const bool is_server = end.session.options().role == Role::Server;
    agree(Protocol::Lcp, hex(is_server ? "0506deadbeef" : "0304c023 0506deadbeef"));
    if (end.phase() != Phase::Authenticate) throw std::runtime_error("no LCP: " + end.why_closed());
}

void Lone::to_network() {
    to_authenticate();
    if (end.session.options().role == Role::Server)
        feed(Protocol::Pap, 1, 1, hex("05 616c696365 06 733363726574"));
    else
        feed(Protocol::Pap, 2, log.back().identifier, hex("00"));
    if (end.phase() != Phase::Network) throw std::runtime_error("no sign-in: " + end.why_closed());
}

void Lone::to_open() {
    to_network();
    if (end.session.options().role == Role::Server) {
        agree(Protocol::Ipcp, hex("0306 0a3c0002"));
    } else {
        const auto request = last_request(log, Protocol::Ipcp);
        feed(Protocol::Ipcp, Code::ConfigureNak, request.identifier, hex("0306 0a3c0002"));
        agree(Protocol::Ipcp, hex("0306 0a3c0001"));
    }
    if (end.phase() != Phase::Open) throw std::runtime_error("no IPCP: " + end.why_closed());
}

Heard last_request(const std::vector<Heard>& log, Protocol protocol) {
    for (auto one = log.rbegin(); one != log.rend(); ++one)
        if (one->protocol == protocol && one->is(Code::ConfigureRequest)) return *one;
    throw std::runtime_error("no request was sent");
}

}  // namespace gatelab::ppp::test
