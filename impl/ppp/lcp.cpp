#include "impl/ppp/lcp.h"

#include <algorithm>

namespace gatelab::ppp {
namespace {

enum Type : std::uint8_t {
    kMru = 1,
    kControlCharacterMap = 2,  // RFC 1662 section 7.1
    kAuthentication = 3,
    kMagic = 5,
    kProtocolCompression = 7,
    kAddressCompression = 8,
};

constexpr std::uint16_t kDefaultMru = 1500;
constexpr std::uint16_t kLeastMruOfOurs = 576, kMostMruOfOurs = 4096;  // that a Nak can talk us into
constexpr std::uint8_t kMsChapV2Algorithm = 0x81;

Bytes value_of(Authentication method) {
    if (method == Authentication::Pap) return u16_value(static_cast<std::uint16_t>(Protocol::Pap));
    return ByteWriter{}.u16(static_cast<std::uint16_t>(Protocol::Chap)).u8(kMsChapV2Algorithm).take();
}

// Nothing for EAP, CHAP with other algorithms and whatever else we do not do.
std::optional<Authentication> method_of(const Option& option) {
    for (const auto method : {Authentication::Pap, Authentication::MsChapV2})
        if (std::ranges::equal(option.value, value_of(method))) return method;
    return {};
}

bool has(const std::vector<Authentication>& methods, Authentication method) {
    return std::ranges::find(methods, method) != methods.end();
}

}  // namespace

Lcp::Lcp(const Options& options, Random& random)
    : role_(options.role),
      random_(&random),
      methods_(options.authentication),
      least_mru_(options.mru),
      mru_(options.mru),
      peer_mru_(kDefaultMru) {
    fresh_magic();
    magic_ = naked_magic_;
    naked_magic_.reset();
}

Bytes Lcp::request() const {
    Bytes options;
    if (mru_ && *mru_ != kDefaultMru) append_option(options, kMru, u16_value(*mru_));
    if (is_server()) append_option(options, kAuthentication, value_of(methods_.front()));
    if (magic_) append_option(options, kMagic, u32_value(*magic_));
    return options;
}

// A magic number that is not zero, and not ours; kept as the one that we put into a Nak.
Bytes Lcp::fresh_magic() {
    do naked_magic_ = random_->u32();
    while (*naked_magic_ == 0 || naked_magic_ == magic_);
    return u32_value(*naked_magic_);
}

Verdict Lcp::judge(const std::vector<Option>& options, bool may_nak) {
    peer_mru_ = kDefaultMru;
    asked_of_us_.reset();
    has_judged_ = true;
    const auto is_mirror = [&](const Option& option) {
        return option.type == kMagic && magic_ && u32_of(option) == magic_;
    };
    if (const auto mirror = std::ranges::find_if(options, is_mirror); mirror != options.end()) {
        // RFC 1661 section 6.4: the other end of the line may be ourselves. Nothing else is of interest until we know.
        ++mirrors_;
        Judgement judgement{true};
        judgement.nak(*mirror, fresh_magic());
        return std::move(judgement).verdict();
    }
    Judgement judgement{may_nak};
    for (auto option = options.begin(); option != options.end(); ++option) {
        const bool repeated =
            std::any_of(options.begin(), option, [&](const Option& earlier) { return earlier.type == option->type; });
        if (repeated)
            judgement.reject(*option);  // RFC 1661 section 6: none of these is listed more than once
        else
            judge_option(judgement, *option);
    }
    return std::move(judgement).verdict();
}

void Lcp::judge_option(Judgement& judgement, const Option& option) {
    switch (option.type) {
        case kMru: return judge_mru(judgement, option);
        case kAuthentication: return judge_authentication(judgement, option);
        case kMagic:
            if (u32_of(option).value_or(0) == 0) judgement.nak(option, fresh_magic());
            return;
        case kControlCharacterMap:  // what carries us escapes all of them, or has no need to
            if (!u32_of(option)) judgement.reject(option);
            return;
        case kProtocolCompression:  // a permission that we make no use of
        case kAddressCompression:
            if (!option.value.empty()) judgement.reject(option);
            return;
        default: return judgement.reject(option);
    }
}

void Lcp::judge_mru(Judgement& judgement, const Option& option) {
    const auto mru = u16_of(option);
    if (!mru || *mru < least_mru_) return judgement.nak(option, u16_value(least_mru_));
    peer_mru_ = *mru;
}

void Lcp::judge_authentication(Judgement& judgement, const Option& option) {
    if (is_server()) return judgement.reject(option);  // the client proves who it is, not we
    const auto method = method_of(option);
    if (!method || !has(methods_, *method)) return judgement.nak(option, value_of(methods_.front()));
    asked_of_us_ = method;
}

Result<void> Lcp::take_nak(const std::vector<Option>& options) {
    for (const auto& option : options) {
        if (option.type == kMru && mru_) {
            const auto wanted = u16_of(option).value_or(0);
            if (wanted >= kLeastMruOfOurs && wanted <= kMostMruOfOurs) mru_ = wanted;
        }
        if (option.type == kMagic && magic_) {
            if (naked_magic_ && u32_of(option) == naked_magic_) ++mirrors_;
            fresh_magic();
            magic_ = std::exchange(naked_magic_, std::nullopt);
        }
        if (option.type == kAuthentication && is_server())
            if (const auto offered = offer_other(method_of(option)); !offered) return offered;
    }
    return {};
}

// The client would rather do `wanted`: it gets that where we do it too, else what we ask for next.
Result<void> Lcp::offer_other(std::optional<Authentication> wanted) {
    if (wanted == methods_.front()) return {};
    methods_.erase(methods_.begin());
    is_refused_ = methods_.empty();
    if (is_refused_) return fail(Fault::Refused, "the client does no authentication that we do");
    const auto named = wanted ? std::ranges::find(methods_, *wanted) : methods_.end();
    if (named != methods_.end()) std::rotate(methods_.begin(), named, named + 1);
    return {};
}

Result<void> Lcp::take_reject(const std::vector<Option>& options) {
    for (const auto& option : options) {
        if (option.type == kMru) mru_.reset();
        if (option.type == kMagic) magic_.reset();
        if (option.type == kAuthentication) is_refused_ = true;
    }
    if (is_refused_) return fail(Fault::Refused, "the client refuses to authenticate");
    return {};
}

std::optional<Authentication> Lcp::authentication() const {
    if (!is_server()) return asked_of_us_;
    return methods_.empty() ? std::nullopt : std::optional{methods_.front()};
}

bool Lcp::lacks_authentication() const { return is_refused_ || (!is_server() && has_judged_ && !asked_of_us_); }

Result<void> Lcp::check() const {
    if (!is_server() && !asked_of_us_) return fail(Fault::Refused, "the server asks for no authentication that we do");
    return {};
}

}  // namespace gatelab::ppp
