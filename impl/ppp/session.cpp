#include "impl/ppp/session.h"

#include <fmt/format.h>

#include "impl/ppp/session_state.h"

namespace gatelab::ppp {
namespace {

constexpr std::size_t kLongestText = 255;  // of a name or a password: PAP has one octet for the length
constexpr std::uint16_t kLeastMru = 576, kMostMru = 4091;

Result<void> check_credentials(const Options& options) {
    if (!options.credentials) return fail(Fault::Refused, "a PPP client needs a name and a password");
    const auto& [name, password] = *options.credentials;
    if (name.empty() || std::max(name.size(), password.size()) > kLongestText)
        return fail(Fault::Refused,
                    fmt::format("a PPP name has 1 to {0} octets and a password at most {0}", kLongestText));
    if (const auto text = mschap::utf16le(password); !text)
        return fail(Fault::Malformed, "the PPP password: " + text.error().detail);
    return {};
}

Result<void> check(const Options& options) {
    if (options.authentication.empty()) return fail(Fault::Refused, "PPP needs at least one way to authenticate");
    if (options.name.size() > kLongestText)
        return fail(Fault::Refused, fmt::format("a PPP server's name has at most {} octets", kLongestText));
    if (options.mru < kLeastMru || options.mru > kMostMru)
        return fail(Fault::Refused,
                    fmt::format("a PPP MRU of {} octets; {} to {} are possible", options.mru, kLeastMru, kMostMru));
    if (std::min({options.restart, options.authenticate_within}) <= Duration::zero() ||
        options.echo_after < Duration::zero())
        return fail(Fault::Refused, "PPP's restart and authentication times must be above 0, its echo time not below");
    if (std::min({options.max_configure, options.max_terminate, options.max_failure, options.max_echo}) < 1)
        return fail(Fault::Refused, "PPP's counts of attempts must be at least 1");
    return options.role == Role::Client ? check_credentials(options) : Result<void>{};
}

}  // namespace

std::string_view name_of(Authentication method) { return method == Authentication::Pap ? "pap" : "mschapv2"; }

std::string_view name_of(CloseReason reason) {
    switch (reason) {
        case CloseReason::Requested: return "requested";
        case CloseReason::PeerTerminated: return "peer-terminated";
        case CloseReason::PeerSilent: return "peer-silent";
        case CloseReason::AuthenticationFailed: return "authentication-failed";
        case CloseReason::NoAgreement: return "no-agreement";
        case CloseReason::ProtocolError: return "protocol-error";
    }
    return "unknown reason";
}

std::string_view name_of(Phase phase) {
    switch (phase) {
        case Phase::Dead: return "dead";
        case Phase::Establish: return "establish";
        case Phase::Authenticate: return "authenticate";
        case Phase::Network: return "network";
        case Phase::Open: return "open";
        case Phase::Terminate: return "terminate";
        case Phase::Closed: return "closed";
    }
    return "unknown phase";
}

std::optional<mschap::Success> judge(const SignIn& sign_in, std::string_view name, std::string_view password) {
    const auto backslash = sign_in.name.rfind('\\');
    const bool same = sign_in.name == name ||
                      (backslash != std::string::npos && std::string_view{sign_in.name}.substr(backslash + 1) == name);
    if (!same) return {};
    if (const auto* proof = std::get_if<MsChapV2Proof>(&sign_in.proof))
        return mschap::verify(sign_in.name, password, proof->challenge, proof->response);
    if (!equal_in_constant_time(as_bytes(std::get<PapProof>(sign_in.proof).password), as_bytes(password))) return {};
    return mschap::Success{};
}

Session::State::State(Options wanted, Random& source)
    : options(std::move(wanted)),
      random(source),
      lcp({options.restart, options.max_configure, options.max_terminate}, options.max_failure, Lcp{options, source}) {}

ByteView Session::State::seal() {
    static constexpr std::array<std::uint8_t, 4> kIpv4{0xff, 0x03, 0x00, 0x21};
    if (phase != Phase::Open) return {};
    ++counters.packets_out;
    return ByteView{kIpv4}.subspan(options.address_control ? 0 : 2);
}

Status Session::State::status() const {
    return {.phase = phase,
            .peer_name = peer_name,
            .authentication = authentication,
            .agreed = agreed,
            .counters = counters};
}

Result<Session> Session::create(Options options, Random& random) {
    if (const auto held = check(options); !held) return pass(held);
    return Session{std::make_unique<State>(std::move(options), random)};
}

Session::Session(std::unique_ptr<State> state) : state_(std::move(state)) {}
Session::~Session() = default;
Session::Session(Session&&) noexcept = default;
Session& Session::operator=(Session&&) noexcept = default;

void Session::start(Instant now) { state_->start(now); }
void Session::handle_frame(Instant now, ByteView frame, FunctionRef<void(ByteView)> deliver) {
    state_->handle_frame(now, frame, deliver);
}
void Session::handle_timeout(Instant now) { state_->handle_timeout(now); }
std::optional<Instant> Session::next_timeout() const { return state_->next_timeout(); }
std::vector<Session::Output> Session::drain() { return std::exchange(state_->outputs, {}); }
void Session::grant(Instant now, Grant grant) { state_->grant(now, std::move(grant)); }
void Session::refuse(Instant now, std::string reason) { state_->refuse(now, std::move(reason)); }
void Session::close(Instant now) { state_->close(now); }
ByteView Session::seal(Instant, ByteView) { return state_->seal(); }
Status Session::status() const { return state_->status(); }
const Options& Session::options() const { return state_->options; }

}  // namespace gatelab::ppp
