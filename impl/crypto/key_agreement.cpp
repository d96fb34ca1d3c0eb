#include "impl/crypto/key_agreement.h"

#include "impl/crypto/key_agreement_state.h"

namespace gatelab::crypto {
namespace {

Result<AgreementState> make(Group group, ByteView private_value) {
    const bool is_ecp = group == Group::Ecp256 || group == Group::Ecp384;
    return is_ecp ? make_ecp(group, private_value) : make_modp(group, private_value);
}

}  // namespace

std::string_view name_of(Group group) {
    switch (group) {
        case Group::Modp1024: return "modp1024";
        case Group::Modp2048: return "modp2048";
        case Group::Ecp256: return "ecp256";
        case Group::Ecp384: return "ecp384";
        case Group::Modp2048Sub256: return "modp2048s256";
    }
    return "unknown";
}

KeyAgreement KeyAgreement::generate(Group group) {
    auto state = make(group, {});
    must(state.has_value(), "a fresh private value");
    return KeyAgreement{std::move(*state)};
}

Result<KeyAgreement> KeyAgreement::from_private_value(Group group, ByteView private_value) {
    if (private_value.empty()) return fail(Fault::Malformed, "empty private value");
    auto state = make(group, private_value);
    if (!state) return pass(state);
    return KeyAgreement{std::move(*state)};
}

KeyAgreement::KeyAgreement(std::unique_ptr<State> state) : state_(std::move(state)) {}
KeyAgreement::~KeyAgreement() = default;
KeyAgreement::KeyAgreement(KeyAgreement&&) noexcept = default;
KeyAgreement& KeyAgreement::operator=(KeyAgreement&&) noexcept = default;

Group KeyAgreement::group() const { return state_->group; }
const Bytes& KeyAgreement::public_value() const { return state_->public_value; }
Result<Bytes> KeyAgreement::derive(ByteView peer) const { return state_->derive(peer); }

}  // namespace gatelab::crypto
