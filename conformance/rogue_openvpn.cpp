#include "conformance/rogue_openvpn.h"

#include <algorithm>
#include <set>

namespace gatelab::conformance {

using namespace openvpn;

namespace {

constexpr std::size_t kChunk = 1100;  // octets of TLS in one control packet
constexpr std::uint32_t kIvProto = kIvProtoDataV2 | kIvProtoTlsKeyExport | kIvProtoCcExitNotify;

// One key and the TLS connection that makes it.
struct Key {
    std::uint8_t id = 0;
    std::optional<tls::Engine> tls;
    std::uint32_t next_sent = 0, next_expected = 0;
    std::map<std::uint32_t, Bytes> early;
    std::set<std::uint32_t> seen;
    Bytes plaintext;
    KeySource own;
    bool told = false;
    std::optional<KeyMethodMessage> peer;
    std::optional<DataParameters> parameters;
    std::optional<DataChannel> data;
    std::string ended;
};

std::uint8_t after(std::uint8_t key_id) { return key_id == kKeyIds - 1 ? 1 : static_cast<std::uint8_t>(key_id + 1); }

}  // namespace

struct RogueOpenVpn::State {
    State(RogueOpenVpn& owner, Options given, PushReply granted, Random& source, Sender sender)
        : self(owner),
          options(std::move(given)),
          grant(std::move(granted)),
          random(source),
          send(std::move(sender)),
          channel(options.protection, options.role) {}

    RogueOpenVpn& self;
    Options options;
    PushReply grant;
    Random& random;
    Sender send;
    ControlChannel channel;
    SessionId session{}, peer_session{};
    bool knows_peer = false, up = false, ekm = false;
    std::optional<std::uint32_t> peer_id;
    std::map<std::uint8_t, Key> keys;
    std::uint8_t newest = 0;
    std::vector<std::uint32_t> to_acknowledge;

    std::vector<std::string> messages;
    std::vector<ControlPacket> heard;
    std::size_t repeated = 0, packets = 0, data_packets = 0;
    std::deque<Bytes> inner;
    std::optional<PushReply> pushed;
    PushReader reader;
    KeyMethodMessage nobody;

    Key& key() { return keys[newest]; }
    bool is_client() const { return options.role == openvpn::Role::Client; }

    void emit(Instant now, ControlPacket packet);
    ControlPacket next(Key&, Opcode, ByteView payload);
    void start_key(Instant now, std::uint8_t id, Opcode reset);
    void start_tls(Instant now, Key&);
    void take(Instant now, Key&, Opcode, ByteView payload);
    void drain(Instant now, Key&);
    void tell_key_method(Instant now, Key&);
    void read_plaintext(Instant now, Key&);
    void take_message(Instant now, Key&, const std::string&);
    void keys_are_there(Instant now, Key&);
    void push(Instant now);
    void install(Key&);
    void handle_control(Instant now, const ControlPacket&);
    void handle_data(Instant now, ByteView packet);
};

ControlPacket RogueOpenVpn::State::next(Key& of, Opcode opcode, ByteView payload) {
    ControlPacket packet;
    packet.opcode = opcode;
    packet.key_id = of.id;
    packet.session = session;
    packet.packet_id = of.next_sent++;
    packet.payload = copy_of(payload);
    return packet;
}

void RogueOpenVpn::State::emit(Instant now, ControlPacket packet) {
    if (self.hooks.control && !self.hooks.control(packet)) return;
    const Bytes wire = channel.protect(now, encode(packet));
    if (!self.hooks.wire) return send(wire);
    for (const auto& one : self.hooks.wire(packet, wire)) send(one);
}

void RogueOpenVpn::State::start_key(Instant now, std::uint8_t id, Opcode reset) {
    auto& made = keys[id];
    made = Key{};
    made.id = id;
    made.own = KeySource::generate(random, options.role);
    newest = id;
    emit(now, next(made, reset, {}));
}

void RogueOpenVpn::State::start_tls(Instant now, Key& of) {
    auto tls_options = options.tls;
    tls_options.role = is_client() ? tls::Role::Client : tls::Role::Server;
    auto engine = tls::Engine::create(std::move(tls_options));
    if (!engine) {
        of.ended = engine.error().detail;
        return;
    }
    of.tls.emplace(std::move(*engine));
    of.tls->start(now);
    drain(now, of);
}

void RogueOpenVpn::State::drain(Instant now, Key& of) {
    if (!of.tls) return;
    for (auto& output : of.tls->drain()) {
        if (auto* records = std::get_if<tls::Engine::Send>(&output)) {
            Bytes bytes = self.hooks.tls ? self.hooks.tls(std::move(records->records)) : std::move(records->records);
            for (std::size_t at = 0; at < bytes.size(); at += kChunk)
                emit(now,
                     next(of, Opcode::ControlV1, ByteView{bytes}.subspan(at, std::min(kChunk, bytes.size() - at))));
        } else if (std::get_if<tls::Engine::Established>(&output)) {
            if (is_client()) tell_key_method(now, of);
        } else if (const auto* received = std::get_if<tls::Engine::Received>(&output)) {
            append(of.plaintext, received->plaintext);
            read_plaintext(now, of);
        } else if (const auto* closed = std::get_if<tls::Engine::Closed>(&output)) {
            of.ended = std::string{tls::name_of(closed->reason)} + ": " + closed->detail;
        }
    }
}

void RogueOpenVpn::State::tell_key_method(Instant now, Key& of) {
    if (of.told) return;
    of.told = true;
    KeyMethodMessage message;
    message.source = of.own;
    message.options = options.options_string.empty() ? options_string(options) : options.options_string;
    if (options.credentials) {
        message.username = options.credentials->username;
        message.password = options.credentials->password;
    }
    if (is_client()) message.peer_info = openvpn::encode(options.peer_info);
    Bytes bytes = openvpn::encode(message, options.role);
    if (self.hooks.key_method) bytes = self.hooks.key_method(std::move(bytes));
    of.tls->write(now, bytes);
    drain(now, of);
}

void RogueOpenVpn::State::read_plaintext(Instant now, Key& of) {
    if (!of.peer) {
        const auto parsed = parse_key_method(of.plaintext, is_client() ? openvpn::Role::Server : openvpn::Role::Client);
        if (!parsed || !*parsed) return;
        of.peer = (*parsed)->message;
        of.plaintext.erase(of.plaintext.begin(), of.plaintext.begin() + static_cast<std::ptrdiff_t>((*parsed)->size));
        if (!is_client()) tell_key_method(now, of);
        keys_are_there(now, of);
    }
    for (;;) {
        const auto end = std::find(of.plaintext.begin(), of.plaintext.end(), std::uint8_t{0});
        if (end == of.plaintext.end()) return;
        const std::string message{of.plaintext.begin(), end};
        of.plaintext.erase(of.plaintext.begin(), end + 1);
        take_message(now, of, message);
    }
}

void RogueOpenVpn::State::keys_are_there(Instant now, Key& of) {
    if (!is_client()) {
        const auto info = parse_peer_info(of.peer->peer_info);
        const auto proto = std::strtoul(text_of(info, "IV_PROTO").c_str(), nullptr, 10);
        ekm = (proto & kIvProtoTlsKeyExport) != 0;
        if (up) return install(of);
        if ((proto & kIvProtoRequestPush) != 0) push(now);
    } else if (up) {
        install(of);
    } else if (self.hooks.asks_for_options) {
        self.say(now, "PUSH_REQUEST");
    }
}

void RogueOpenVpn::State::push(Instant now) {
    if (up) return;
    auto reply = grant;
    reply.key_derivation_ekm = ekm;
    peer_id = reply.peer_id;
    auto texts = openvpn::encode(reply);
    if (self.hooks.push) texts = self.hooks.push(std::move(texts));
    install(key());
    up = true;
    for (const auto& text : texts) self.say(now, text);
}

void RogueOpenVpn::State::take_message(Instant now, Key&, const std::string& message) {
    messages.push_back(message);
    if (!is_client()) {
        if (message == "PUSH_REQUEST") push(now);
        return;
    }
    if (up || !message.starts_with("PUSH_REPLY")) return;
    const auto reply = reader.add(message);
    if (!reply || !*reply) return;
    pushed = **reply;
    ekm = pushed->key_derivation_ekm ||
          std::ranges::find(pushed->protocol_flags, "tls-ekm") != pushed->protocol_flags.end();
    peer_id = pushed->peer_id;
    up = true;
    install(key());
}

void RogueOpenVpn::State::install(Key& of) {
    if (!of.peer) return;
    DataParameters parameters;
    const auto& client = is_client() ? of.own : of.peer->source;
    const auto& server = is_client() ? of.peer->source : of.own;
    parameters.keys =
        ekm ? derive_by_exporter(*of.tls)
            : derive_by_prf(client, server, is_client() ? session : peer_session, is_client() ? peer_session : session);
    parameters.role = options.role;
    parameters.cipher = (pushed && pushed->cipher ? pushed->cipher : grant.cipher)
                            .value_or(options.cipher.value_or(DataCipher::Aes256Gcm));
    parameters.auth = options.auth;
    parameters.key_id = of.id;
    parameters.peer_id = peer_id;
    parameters.transport = Transport::Udp;  // the rogue itself is not strict
    of.parameters = parameters;
    of.data.emplace(parameters, random);
}

void RogueOpenVpn::State::take(Instant now, Key& of, Opcode opcode, ByteView payload) {
    if (opcode == Opcode::ControlV1) {
        if (!of.tls) return;
        of.tls->handle_bytes(now, payload);
        return drain(now, of);
    }
    if (!of.tls) start_tls(now, of);  // a reset
}

void RogueOpenVpn::State::handle_control(Instant now, const ControlPacket& packet) {
    const bool reset = packet.opcode == Opcode::ControlHardResetClientV2 ||
                       packet.opcode == Opcode::ControlHardResetClientV3 ||
                       packet.opcode == Opcode::ControlHardResetServerV2;
    if (reset && (!knows_peer || packet.session == peer_session)) {
        peer_session = packet.session;
        knows_peer = true;
    }
    if (packet.opcode == Opcode::AckV1 || packet.session != peer_session) return;
    std::optional<Opcode> answer;
    if (!is_client() && reset && !keys.contains(0)) answer = Opcode::ControlHardResetServerV2;
    const bool soft = packet.opcode == Opcode::ControlSoftResetV1;
    if (soft && packet.key_id != newest && packet.key_id == after(newest)) answer = Opcode::ControlSoftResetV1;
    if (!answer && !keys.contains(packet.key_id)) return;
    if (self.hooks.acknowledges) to_acknowledge.push_back(packet.packet_id);
    if (answer) {  // its answer, which acknowledges it
        auto& made = keys[packet.key_id];
        made = Key{};
        made.id = newest = packet.key_id;
        made.own = KeySource::generate(random, options.role);
        auto reply = next(made, *answer, {});
        if (!to_acknowledge.empty()) reply.acks = to_acknowledge, reply.peer_session = peer_session;
        to_acknowledge.clear();
        emit(now, std::move(reply));
    } else if (!to_acknowledge.empty()) {
        ControlPacket ack;
        ack.opcode = Opcode::AckV1;
        ack.key_id = packet.key_id;
        ack.session = session;
        ack.acks = std::move(to_acknowledge);
        ack.peer_session = peer_session;
        to_acknowledge.clear();
        emit(now, std::move(ack));
    }
    auto& of = keys[packet.key_id];
    if (!of.seen.insert(packet.packet_id).second) {
        ++repeated;
        return;
    }
    of.early.emplace(packet.packet_id, packet.payload);
    const auto opcode_of = [&](std::uint32_t id) { return id == 0 ? packet.opcode : Opcode::ControlV1; };
    for (auto at = of.early.find(of.next_expected); at != of.early.end(); at = of.early.find(of.next_expected)) {
        const Bytes payload = std::move(at->second);
        of.early.erase(at);
        take(now, of, opcode_of(of.next_expected++), payload);
    }
}

void RogueOpenVpn::State::handle_data(Instant now, ByteView packet) {
    const auto found = keys.find(head_of(packet)->key_id);
    if (found == keys.end() || !found->second.data) return;
    Bytes out(packet.size());
    const auto opened = found->second.data->open(now, packet, out);
    if (!opened) return;
    ++data_packets;
    inner.push_back(copy_of(*opened));
}

RogueOpenVpn::RogueOpenVpn(Options options, PushReply grant, Random& random, Sender send)
    : state_(std::make_unique<State>(*this, std::move(options), std::move(grant), random, std::move(send))) {
    auto& state = *state_;
    if (state.options.peer_info.empty())
        state.options.peer_info = {{"IV_VER", "2.6.14"},
                                   {"IV_PLAT", "linux"},
                                   {"IV_CIPHERS", "AES-256-GCM"},
                                   {"IV_PROTO", std::to_string(kIvProto)}};
    random.fill(state.session);
}
RogueOpenVpn::~RogueOpenVpn() = default;

Options& RogueOpenVpn::options() { return state_->options; }

void RogueOpenVpn::dial(Instant now) { state_->start_key(now, 0, Opcode::ControlHardResetClientV2); }

void RogueOpenVpn::handle_packet(Instant now, ByteView packet) {
    ++state_->packets;
    const auto head = head_of(packet);
    if (!head) return;
    if (is_data(head->opcode)) return state_->handle_data(now, packet);
    const auto plain = state_->channel.unprotect(now, packet);
    if (!plain) return;
    const auto control = parse_control(*plain);
    if (!control) return;
    state_->heard.push_back(*control);
    state_->handle_control(now, *control);
}

void RogueOpenVpn::nudge(Instant now) {
    if (state_->is_client() && keys_exchanged() && !state_->up && hooks.asks_for_options) say(now, "PUSH_REQUEST");
}

void RogueOpenVpn::soft_reset(Instant now) {
    state_->start_key(now, after(state_->newest), Opcode::ControlSoftResetV1);
}

void RogueOpenVpn::write_tls(Instant now, ByteView plaintext) {
    auto& key = state_->key();
    if (!key.tls) return;
    key.tls->write(now, plaintext);
    state_->drain(now, key);
}

void RogueOpenVpn::say(Instant now, std::string_view message) {
    Bytes text = copy_of(as_bytes(message));
    text.push_back(0);
    write_tls(now, text);
}

bool RogueOpenVpn::send_inner(Instant, ByteView inner) {
    const Bytes packet = seal(inner);
    if (!packet.empty()) state_->send(packet);
    return !packet.empty();
}

void RogueOpenVpn::send_raw(ByteView packet) { state_->send(packet); }

ControlPacket RogueOpenVpn::next_control(Opcode opcode, ByteView payload) {
    return state_->next(state_->key(), opcode, payload);
}

void RogueOpenVpn::send_control(Instant now, ControlPacket packet) { state_->emit(now, std::move(packet)); }

Bytes RogueOpenVpn::protect(Instant now, const ControlPacket& packet) { return protect_plain(now, encode(packet)); }

Bytes RogueOpenVpn::protect_plain(Instant now, ByteView plain) { return state_->channel.protect(now, plain); }

DataChannel* RogueOpenVpn::data(std::optional<std::uint8_t> key_id) {
    if (key_id) {
        const auto found = state_->keys.find(*key_id);
        return found != state_->keys.end() && found->second.data ? &*found->second.data : nullptr;
    }
    // The newest key that is ready.
    if (auto* newest = data(state_->newest)) return newest;
    for (auto& [id, key] : state_->keys)
        if (key.data) return &*key.data;
    return nullptr;
}

DataParameters RogueOpenVpn::data_parameters(std::optional<std::uint8_t> key_id) const {
    const auto found = state_->keys.find(key_id.value_or(state_->newest));
    return found != state_->keys.end() && found->second.parameters ? *found->second.parameters : DataParameters{};
}

Bytes RogueOpenVpn::seal(ByteView inner, std::optional<std::uint8_t> key_id) {
    auto* channel = data(key_id);
    if (!channel) return {};
    Bytes packet(inner.size() + channel->overhead());
    packet.resize(channel->seal(inner, packet).value_or(0));
    return packet;
}

Random& RogueOpenVpn::random() { return state_->random; }
const SessionId& RogueOpenVpn::session() const { return state_->session; }
const SessionId& RogueOpenVpn::peer_session() const { return state_->peer_session; }

bool RogueOpenVpn::tls_up() const { return state_->key().tls && state_->key().tls->is_established(); }
bool RogueOpenVpn::keys_exchanged() const { return state_->key().told && state_->key().peer; }
bool RogueOpenVpn::up() const { return state_->up; }
std::uint8_t RogueOpenVpn::key_id() const { return state_->newest; }
std::optional<std::string> RogueOpenVpn::tls_end() const {
    return state_->key().ended.empty() ? std::nullopt : std::optional{state_->key().ended};
}
const std::vector<std::string>& RogueOpenVpn::messages() const { return state_->messages; }
const std::vector<ControlPacket>& RogueOpenVpn::heard() const { return state_->heard; }
std::size_t RogueOpenVpn::heard(Opcode opcode) const {
    return static_cast<std::size_t>(
        std::ranges::count_if(state_->heard, [&](const auto& one) { return one.opcode == opcode; }));
}
std::size_t RogueOpenVpn::repeated() const { return state_->repeated; }
std::size_t RogueOpenVpn::packets() const { return state_->packets; }
std::size_t RogueOpenVpn::data_packets() const { return state_->data_packets; }
const std::deque<Bytes>& RogueOpenVpn::inner() const { return state_->inner; }
const std::optional<PushReply>& RogueOpenVpn::pushed() const { return state_->pushed; }
const KeyMethodMessage& RogueOpenVpn::peer() const { return state_->key().peer ? *state_->key().peer : state_->nobody; }

}  // namespace gatelab::conformance
