#include "impl/openvpn/control_protection.h"

#include "impl/openvpn/control_wraps.h"
#include "impl/openvpn/packet_numbers.h"
#include "impl/openvpn/wrapped_key.h"

namespace gatelab::openvpn {
namespace {

template <class... F>
struct Cases : F... {
    using F::operator()...;
};
template <class... F>
Cases(F...) -> Cases<F...>;

bool brings_wrapped_key(Opcode opcode) {
    return opcode == Opcode::ControlHardResetClientV3 || opcode == Opcode::ControlWkcV1;
}

}  // namespace

std::string_view name_of(const ControlProtection& protection) {
    constexpr std::string_view kNames[] = {"none", "tls-auth", "tls-crypt", "tls-crypt-v2"};
    return kNames[protection.index()];
}

// `wrap` is the none of the middle as long as a tls-crypt-v2 server has not met its client.
struct ControlChannel::State {
    struct Clear {};
    struct KeyMissing {};
    using Wrap = std::variant<Clear, KeyMissing, AuthWrap, CryptWrap>;

    State(ControlProtection chosen, Role end) : protection(std::move(chosen)), role(end), wrap(make_wrap()) {}

    Wrap make_wrap() const {
        return std::visit(Cases{[](const Unprotected&) -> Wrap { return Clear{}; },
                                [](const TlsAuth& settings) -> Wrap { return AuthWrap{settings}; },
                                [&](const TlsCrypt& settings) -> Wrap {
                                    return CryptWrap{settings.key, role};
                                },
                                [&](const TlsCryptV2& settings) -> Wrap {
                                    if (client_key) return CryptWrap{*client_key, role};
                                    const auto* own = std::get_if<TlsCryptV2ClientKey>(&settings.key);
                                    if (own == nullptr) return KeyMissing{};
                                    return CryptWrap{own->key, role};
                                }},
                          protection);
    }

    const TlsCryptV2ServerKey* server_key() const {
        const auto* v2 = std::get_if<TlsCryptV2>(&protection);
        return v2 == nullptr ? nullptr : std::get_if<TlsCryptV2ServerKey>(&v2->key);
    }
    const TlsCryptV2ClientKey* own_key() const {
        const auto* v2 = std::get_if<TlsCryptV2>(&protection);
        return v2 == nullptr ? nullptr : std::get_if<TlsCryptV2ClientKey>(&v2->key);
    }

    // Takes the wrapped key off the end of `wire`. What it taught is kept only once the packet proves authentic.
    Result<UnwrappedKey> take_wrapped_key(ByteView& wire) const {
        const auto wrapped = wrapped_key_in(wire);
        if (wrapped.empty()) return fail(Fault::Malformed, "no wrapped tls-crypt-v2 key behind the packet");
        auto unwrapped = unwrap_client_key(*server_key(), wrapped);
        if (!unwrapped) return unwrapped;
        if (client_key && !(unwrapped->key == *client_key))
            return fail(Fault::Refused, "another tls-crypt-v2 key than this session began with");
        wire = wire.first(wire.size() - wrapped.size());
        return unwrapped;
    }

    void learn(UnwrappedKey&& unwrapped, CryptWrap&& with) {
        client_key = unwrapped.key;
        metadata = std::move(unwrapped.metadata);
        wrap = std::move(with);
    }

    ControlProtection protection;
    Role role;
    std::optional<StaticKey> client_key;  // of tls-crypt-v2, at the server
    Bytes metadata;
    Wrap wrap;
    NumberSource numbers;
    NumberMemory memory;
};

ControlChannel::ControlChannel(ControlProtection protection, Role role)
    : state_(std::make_unique<State>(std::move(protection), role)) {}
ControlChannel::ControlChannel(std::unique_ptr<State> state) : state_(std::move(state)) {}
ControlChannel::~ControlChannel() = default;
ControlChannel::ControlChannel(ControlChannel&&) noexcept = default;
ControlChannel& ControlChannel::operator=(ControlChannel&&) noexcept = default;

Bytes ControlChannel::protect(Instant now, ByteView plain) {
    if (plain.size() < kControlHead) return {};
    auto wire =
        std::visit(Cases{[&](State::Clear) { return copy_of(plain); }, [](State::KeyMissing) { return Bytes{}; },
                         [&](AuthWrap& wrap) { return wrap.wrap(plain, state_->numbers.next(now)); },
                         [&](CryptWrap& wrap) { return wrap.wrap(plain, state_->numbers.next(now)); }},
                   state_->wrap);
    const auto head = head_of(plain);
    if (const auto* own = state_->own_key(); own != nullptr && head && brings_wrapped_key(head->opcode))
        append(wire, own->wrapped);
    return wire;
}

Result<Bytes> ControlChannel::unprotect(Instant, ByteView wire) {
    const auto head = head_of(wire);
    if (!head || is_data(head->opcode)) return fail(Fault::Malformed, "not an OpenVPN control packet");
    if (wire.size() < kControlHead) return fail(Fault::Truncated, "a control packet shorter than its session id");
    Result<Unwrapped> unwrapped;
    if (state_->server_key() != nullptr && brings_wrapped_key(head->opcode)) {
        auto key = state_->take_wrapped_key(wire);
        if (!key) return pass(key);
        CryptWrap wrap{key->key, state_->role};
        unwrapped = wrap.unwrap(wire);
        if (unwrapped) state_->learn(std::move(*key), std::move(wrap));
    } else {
        unwrapped = std::visit(Cases{[&](State::Clear) -> Result<Unwrapped> {
                                         return Unwrapped{copy_of(wire), {}};
                                     },
                                     [](State::KeyMissing) -> Result<Unwrapped> {
                                         return fail(Fault::Unauthentic,
                                                     "a packet before the client's wrapped tls-crypt-v2 key");
                                     },
                                     [&](auto& wrap) -> Result<Unwrapped> { return wrap.unwrap(wire); }},
                               state_->wrap);
    }
    if (!unwrapped) return pass(unwrapped);
    if (!std::holds_alternative<State::Clear>(state_->wrap) && !state_->memory.add(unwrapped->number))
        return fail(Fault::Refused, "a control packet that came before, or is too old");
    return std::move(unwrapped->plain);
}

std::size_t ControlChannel::overhead() const {
    return std::visit(Cases{[](const State::Clear&) { return std::size_t{0}; },
                            [](const State::KeyMissing&) { return CryptWrap::overhead(); },
                            [](const auto& wrap) { return wrap.overhead(); }},
                      state_->wrap);
}

ByteView ControlChannel::client_metadata() const { return state_->metadata; }

bool ControlChannel::knows_client_key() const { return !std::holds_alternative<State::KeyMissing>(state_->wrap); }

void ControlChannel::start_at(std::uint32_t packet_id) { state_->numbers = NumberSource{packet_id}; }

ControlChannel ControlChannel::fresh() const {
    auto copy = std::make_unique<State>(state_->protection, state_->role);
    copy->client_key = state_->client_key;
    copy->metadata = state_->metadata;
    copy->wrap = copy->make_wrap();
    return ControlChannel{std::move(copy)};
}

}  // namespace gatelab::openvpn
