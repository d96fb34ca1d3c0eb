#include "tests/impl/sstp/pair.h"

#include <algorithm>
#include <stdexcept>

namespace gatelab::sstp::test {
namespace {

constexpr auto kYear = std::chrono::hours{365 * 24};

crypto::CertificateRequest request(std::string name) {
    return {.common_name = std::move(name),
            .dns_names = {},
            .email_addresses = {},
            .ip_addresses = {},
            .purposes = {crypto::Purpose::ServerAuth},
            .not_before = kStart - kYear,
            .not_after = kStart + kYear};
}

const crypto::Identity& root() {
    static const auto made = crypto::make_root(request("Root"), crypto::PrivateKey::generate_rsa(2048));
    return made;
}

tls::Engine tls_engine(Role role) {
    tls::Options options = role == Role::Client ? client_options().tls : server_options().tls;
    options.role = role == Role::Client ? tls::Role::Client : tls::Role::Server;
    return tls::Engine::create(options).value();
}

ppp::Session ppp_session(Role role, Random& random) {
    ppp::Options options = role == Role::Client ? client_options().ppp : server_options().ppp;
    options.role = role == Role::Client ? ppp::Role::Client : ppp::Role::Server;
    return ppp::Session::create(options, random).value();
}

}  // namespace

const crypto::TrustStore& trust() {
    static const auto made = [] {
        crypto::TrustStore store;
        store.add(root().certificate);
        return store;
    }();
    return made;
}

crypto::Identity server_identity_for(std::string common_name, std::vector<std::string> dns_names,
                                     std::vector<Ipv4Address> addresses) {
    auto wanted = request(std::move(common_name));
    wanted.dns_names = std::move(dns_names);
    wanted.ip_addresses = std::move(addresses);
    return crypto::issue(root(), wanted, crypto::PrivateKey::generate_rsa(2048));
}

const crypto::Identity& server_identity() {
    static const auto made = server_identity_for("vpn.example", {"vpn.example"}, {});
    return made;
}

Options client_options() {
    Options options;
    options.role = Role::Client;
    options.host = "vpn.example";
    options.tls.policy = tls::p2s_policy(tls::Profile::P2s2023, tls::Carrier::Sstp);
    options.tls.roots = trust();
    options.ppp.credentials = ppp::Credentials{"alice", "secret"};
    return options;
}

Options server_options() {
    Options options;
    options.role = Role::Server;
    options.tls.policy = tls::p2s_policy(tls::Profile::P2s2023, tls::Carrier::Sstp);
    options.tls.identity = server_identity();
    return options;
}

ppp::Grant grant(mschap::Success success) {
    return {.success = std::move(success), .address = kInner, .own = kServerInner, .dns = {Ipv4Address{10, 1, 0, 53}}};
}

Bytes inner_packet(Ipv4Address from, Ipv4Address to, std::size_t size) {
    ByteWriter writer;
    writer.u8(0x45).u8(0).u16(static_cast<std::uint16_t>(size)).u32(0x00010000).u8(64).u8(17).u16(0);
    writer.u32(from.number()).u32(to.number());
    for (std::size_t at = 20; at < size; ++at) writer.u8(static_cast<std::uint8_t>(at));
    return writer.take();
}

SeededTls::SeededTls() {
    if (!std::exchange(taken_, true)) source_.emplace(random_);
}

SeededTls::~SeededTls() {
    if (source_) taken_ = false;
}

End::End(Options options, std::uint64_t seed)
    : random(std::make_unique<SeededRandom>(seed, "session")),
      session(Session::create(std::move(options), *random).value()) {}

void End::take(Instant now) {
    for (auto news = session.drain(); !news.empty(); news = session.drain()) {
        for (auto& one : news) {
            if (auto* send = std::get_if<Session::Send>(&one)) {
                append(out, send->bytes);
                continue;
            }
            const auto* asked = std::get_if<Session::SignInAsked>(&one);
            if (asked && answers_sign_ins) {
                if (auto success = ppp::judge(asked->sign_in, "alice", password)) {
                    session.grant(now, grant(std::move(*success)));
                } else {
                    session.refuse(now, "wrong password");
                }
            }
            said.push_back(std::move(one));
        }
    }
}

std::optional<CloseReason> End::closed() const {
    const auto* closed = last<Session::Closed>();
    return closed ? std::optional{closed->reason} : std::nullopt;
}

std::string End::why() const {
    const auto* closed = last<Session::Closed>();
    return closed ? closed->detail : "not closed";
}

bool End::traced(std::string_view event) const {
    return std::any_of(said.begin(), said.end(), [&](const auto& output) {
        const auto* trace = std::get_if<Trace>(&output);
        return trace && trace->event == event;
    });
}

Pair::Pair(Options client_side, Options server_side)
    : client(std::move(client_side), 1), server(std::move(server_side), 2) {}

void Pair::start() {
    client.session.start(now);
    server.session.start(now);
}

void Pair::carry(End& from, End& to) {
    from.take(now);
    const auto bytes = std::exchange(from.out, {});
    for (ByteView rest = bytes; connected && !rest.empty();) {
        const auto piece = rest.first(cut ? std::min(cut, rest.size()) : rest.size());
        to.session.handle_bytes(now, piece, [&](ByteView inner) { to.delivered.push_back(copy_of(inner)); });
        to.take(now);
        rest = rest.subspan(piece.size());
    }
}

void Pair::run() {
    do {
        carry(client, server);
        carry(server, client);
        client.take(now);
        server.take(now);
    } while (!client.out.empty() || !server.out.empty());
}

void Pair::run_for(Duration duration) {
    const auto end = now + duration;
    run();
    while (true) {
        const auto next = earlier(client.session.next_timeout(), server.session.next_timeout());
        if (!next || *next > end) break;
        now = std::max(now, *next);
        client.session.handle_timeout(now);
        server.session.handle_timeout(now);
        run();
    }
    now = end;
}

bool Pair::connect() {
    start();
    run();
    return client.session.status().up && server.session.status().up;
}

bool Pair::send(End& from, const Bytes& packet) {
    from.take(now);
    return from.session.seal(now, packet, [&](ByteView bytes) { append(from.out, bytes); });
}

Hand::Hand(Role role, Options session)
    : own(role),
      peer(std::move(session), 3),
      ppp_random(4, "ppp"),
      tls(tls_engine(role)),
      ppp(ppp_session(role, ppp_random)) {}

void Hand::start() {
    peer.session.start(now);
    tls.start(now);
    exchange();
}

void Hand::take_tls() {
    for (auto& one : tls.drain()) {
        if (auto* got = std::get_if<tls::Engine::Received>(&one)) append(received, got->plaintext);
        if (std::get_if<tls::Engine::Closed>(&one)) tls_closed = true;
        if (auto* out = std::get_if<tls::Engine::Send>(&one)) {
            peer.session.handle_bytes(now, out->records,
                                      [&](ByteView inner) { peer.delivered.push_back(copy_of(inner)); });
            peer.take(now);
        }
    }
}

void Hand::exchange() {
    do {
        take_tls();
        peer.take(now);
        const auto bytes = std::exchange(peer.out, {});
        tls.handle_bytes(now, bytes);
        take_tls();
        peer.take(now);
    } while (!peer.out.empty());
}

void Hand::run_for(Duration duration) {
    const auto end = now + duration;
    exchange();
    for (auto next = peer.session.next_timeout(); next && *next <= end; next = peer.session.next_timeout()) {
        now = std::max(now, *next);
        peer.session.handle_timeout(now);
        exchange();
    }
    now = end;
}

void Hand::say(ByteView plaintext) {
    tls.write(now, plaintext);
    exchange();
}

std::string Hand::http() {
    const auto text = as_text(received);
    const auto end = text.find("\r\n\r\n");
    if (end == text.npos) throw std::runtime_error("no HTTP head has come");
    received.erase(received.begin(), received.begin() + static_cast<std::ptrdiff_t>(end + 4));
    return text.substr(0, end + 4);
}

void Hand::take_packets() {
    while (received.size() >= kHeaderSize) {
        const auto head = parse_head(ByteView{received}.first(kHeaderSize)).value();
        if (received.size() < head.length) return;
        const Bytes packet{received.begin(), received.begin() + head.length};
        received.erase(received.begin(), received.begin() + head.length);
        if (head.control) {
            heard.push_back(std::get<Message>(parse_message(packet)));
            heard_packets.push_back(packet);
        } else {
            ++data_heard;
            if (answers_ppp) ppp.handle_frame(now, ByteView{packet}.subspan(kHeaderSize), [](ByteView) {});
        }
    }
}

void Hand::pump_ppp() {
    for (bool busy = true; busy;) {
        take_packets();
        busy = false;
        for (auto& one : ppp.drain()) {
            busy = true;
            if (auto* out = std::get_if<ppp::Session::Send>(&one)) {
                ByteWriter writer;
                writer.u8(kVersion).u8(0).u16(static_cast<std::uint16_t>(kHeaderSize + out->frame.size()));
                writer.bytes(out->frame);
                say(writer.view());
            }
            if (auto* asked = std::get_if<ppp::Session::SignInAsked>(&one))
                ppp.grant(now, grant(ppp::judge(asked->sign_in, "alice", "secret").value()));
            if (auto* proved = std::get_if<ppp::Session::Authenticated>(&one)) {
                keys = proved->keys;
                authenticated = true;
                // A step ends here: what comes after, IPCP, waits.
            }
            if (std::get_if<ppp::Session::Opened>(&one)) ppp_open = true;
        }
    }
}

std::vector<Message> Hand::messages() {
    exchange();
    take_packets();
    heard_packets.clear();
    return std::exchange(heard, {});
}

Message Hand::message() {
    auto all = messages();
    if (all.size() != 1) throw std::runtime_error(std::to_string(all.size()) + " messages came, not one");
    return all.front();
}

std::optional<StatusCode> Hand::aborted() {
    for (const auto& one : messages()) {
        if (one.type != MessageType::CallAbort) continue;
        const auto* status = find<StatusInfo>(one);
        return status ? status->status : StatusCode::NoError;
    }
    return {};
}

void Hand::to_https() {
    start();
    if (own == Role::Server) return;
    say(
        as_bytes("SSTP_DUPLEX_POST /sra_{BA195980-CD49-458b-9E23-C84EE0ADCD75}/ HTTP/1.1\r\n"
                 "Content-Length: 18446744073709551615\r\nHost: vpn.example\r\n"
                 "SSTPCORRELATIONID: {62DFA5C0-E2E0-FD50-D7C9-C1C2B8BC7D52}\r\n\r\n"));
}

void Hand::to_connect_request() {
    to_https();
    http();
    if (own == Role::Server) say(as_bytes("HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551615\r\n\r\n"));
}

void Hand::to_connect_ack() {
    to_connect_request();
    ppp.start(now);  // before the first frame can come
    if (own == Role::Client) {
        say({MessageType::CallConnectRequest, {EncapsulatedProtocol{}}});
        nonce = find<CryptoBindingRequest>(message())->nonce;
    } else {
        messages();
        nonce.fill(9);
        say({MessageType::CallConnectAck, {CryptoBindingRequest{kSha1 | kSha256, nonce}}});
    }
}

void Hand::to_authenticated() {
    to_connect_ack();
    pump_ppp();
    if (!authenticated) throw std::runtime_error("PPP has not authenticated");
}

Bytes Hand::binding(std::uint8_t hash) const {
    return call_connected(hash, nonce, higher_layer_key(keys), server_identity().certificate.der());
}

void Hand::to_call_connected() {
    to_authenticated();
    if (own == Role::Client) say(binding());
    pump_ppp();
    if (!ppp_open || !peer.session.status().up) throw std::runtime_error("packets do not flow");
    heard.clear();
    heard_packets.clear();
}

}  // namespace gatelab::sstp::test
