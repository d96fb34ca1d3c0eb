#include "impl/http/connect.h"

#include <algorithm>
#include <utility>

namespace gatelab::http {
namespace {

// A challenge's body that is worth reading away; for a longer one a new connection is cheaper.
constexpr std::uint64_t kLongestBody = 64 * 1024;

// 1xx answers before the real one (RFC 9110 section 15.2).
constexpr int kMostInterim = 8;

constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

// RFC 4648 section 4.
std::string base64(ByteView bytes) {
    std::string text;
    for (std::size_t at = 0; at < bytes.size(); at += 3) {
        const auto count = std::min<std::size_t>(3, bytes.size() - at);
        std::uint32_t group = 0;
        for (std::size_t i = 0; i < 3; ++i) group = group << 8 | (i < count ? bytes[at + i] : 0u);
        for (std::size_t i = 0; i < 4; ++i) text += i <= count ? kDigits[group >> (18 - 6 * i) & 63] : '=';
    }
    return text;
}

std::optional<std::string> from_base64(std::string_view text) {
    if (text.size() % 4 != 0) return std::nullopt;
    const auto padding = text.ends_with("==") ? 2u : text.ends_with("=") ? 1u : 0u;
    std::string bytes;
    std::uint32_t group = 0;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const bool padded = at >= text.size() - padding;
        const auto digit = padded ? 0 : kDigits.find(text[at]);
        if (digit == kDigits.npos) return std::nullopt;
        group = group << 6 | static_cast<std::uint32_t>(digit);
        if (at % 4 != 3) continue;
        for (int shift = 16; shift >= 0; shift -= 8) bytes += static_cast<char>(group >> shift & 0xff);
        group = 0;
    }
    bytes.resize(bytes.size() - padding);
    return bytes;
}

bool is_scheme(std::string_view value, std::string_view scheme) {
    const auto lower = [](char letter) { return letter >= 'A' && letter <= 'Z' ? letter - 'A' + 'a' : letter; };
    return value.size() >= scheme.size() &&
           std::equal(scheme.begin(), scheme.end(), value.begin(),
                      [&](char a, char b) { return lower(a) == lower(b); }) &&
           (value.size() == scheme.size() || value[scheme.size()] == ' ' || value[scheme.size()] == ',');
}

// What the proxy offers besides, for a message: the first word of each Proxy-Authenticate field.
std::string schemes_of(const Fields& fields) {
    std::string schemes;
    for (const auto& one : fields) {
        if (field({one}, "Proxy-Authenticate"))
            schemes += (schemes.empty() ? "" : ", ") + one.second.substr(0, one.second.find_first_of(" ,"));
    }
    return schemes.empty() ? "nothing" : schemes;
}

// RFC 9110 section 11.6.1: one field may hold several challenges, so a scheme stands at its start or after a comma.
bool offers_basic(const Fields& fields) {
    for (const auto& one : fields) {
        if (!field({one}, "Proxy-Authenticate")) continue;
        for (std::string_view rest = one.second; !rest.empty();) {
            while (!rest.empty() && (rest.front() == ' ' || rest.front() == ',')) rest.remove_prefix(1);
            if (is_scheme(rest, "Basic")) return true;
            const auto comma = rest.find(',');
            rest.remove_prefix(comma == rest.npos ? rest.size() : comma);
        }
    }
    return false;
}

bool stays_open(const Response& response) {
    const auto& fields = response.fields;
    if (lists(fields, "Connection", "close") || lists(fields, "Proxy-Connection", "close")) return false;
    return response.version != "HTTP/1.0" || lists(fields, "Connection", "keep-alive") ||
           lists(fields, "Proxy-Connection", "keep-alive");
}

}  // namespace

std::string basic_authorization(const Credentials& credentials) {
    return "Basic " + base64(as_bytes(credentials.username + ":" + credentials.password));
}

std::optional<Credentials> parse_basic_authorization(std::string_view value) {
    if (!is_scheme(value, "Basic") || value.size() < 7) return std::nullopt;
    value.remove_prefix(6);
    while (value.starts_with(' ')) value.remove_prefix(1);
    const auto pair = from_base64(value);
    const auto colon = pair ? pair->find(':') : std::string::npos;
    if (colon == std::string::npos) return std::nullopt;
    return Credentials{pair->substr(0, colon), pair->substr(colon + 1)};
}

Connect::Connect(std::string target, std::optional<Credentials> credentials)
    : target_(std::move(target)), credentials_(std::move(credentials)) {}

void Connect::start(Instant) {
    if (state_ != State::Idle) return;
    reused_ = false;
    ask();
}

void Connect::ask() {
    state_ = State::Asked;
    reader_ = HeadReader{};
    interim_ = 0;
    Request request{.method = "CONNECT", .target = target_, .version = "HTTP/1.1", .fields = {{"Host", target_}}};
    if (answers_challenge_) request.fields.emplace_back("Proxy-Authorization", basic_authorization(*credentials_));
    outputs_.push_back(Send{encode(request)});
}

void Connect::handle_bytes(Instant, ByteView bytes) {
    while (!bytes.empty()) {
        if (state_ == State::SkippingBody) {
            const auto size = std::min<std::uint64_t>(body_, bytes.size());
            body_ -= size;
            bytes = bytes.subspan(size);
            if (body_ == 0) ask();
            continue;
        }
        if (state_ != State::Asked) return;
        auto head = reader_.take(bytes);
        if (!head) return refuse(0, "the proxy's answer is an " + head.error().detail);
        if (!*head) return;
        bytes = bytes.subspan((*head)->used);
        handle_head((*head)->text);
        if (auto* open = outputs_.empty() ? nullptr : std::get_if<Open>(&outputs_.back())) open->rest = copy_of(bytes);
    }
}

void Connect::handle_head(const std::string& text) {
    const auto response = parse_response(text);
    if (!response) return refuse(0, "the proxy does not speak HTTP: " + response.error().detail);
    if (response->status < 200) {
        if (++interim_ > kMostInterim) refuse(response->status, "the proxy never comes to its answer");
        return;
    }
    if (response->status < 300) {  // RFC 9110 section 9.3.6: without a body, whatever its fields say
        state_ = State::Done;
        outputs_.push_back(Open{});
        return;
    }
    if (response->status == 407) return handle_challenge(*response);
    refuse(response->status, "the proxy answers " + std::to_string(response->status) + " " + response->reason);
}

void Connect::handle_challenge(const Response& response) {
    if (!credentials_) return refuse(407, "the proxy asks for a name and a password, and there are none");
    if (answers_challenge_) return refuse(407, "the proxy refuses the password of " + credentials_->username);
    if (!offers_basic(response.fields))
        return refuse(407, "the proxy asks for " + schemes_of(response.fields) + " (only Basic is known here)");
    answers_challenge_ = true;
    const auto length = content_length(response.fields);
    // Without a length the body ends with the connection, or in chunks, which are not worth the code.
    const bool delimited =
        length && *length && **length <= kLongestBody && !field(response.fields, "Transfer-Encoding");
    if (!stays_open(response) || !delimited) {
        state_ = State::Idle;
        outputs_.push_back(Reconnect{});
        return;
    }
    reused_ = true;
    body_ = **length;
    state_ = State::SkippingBody;
    if (body_ == 0) ask();
}

void Connect::handle_closed(Instant) {
    // RFC 9112 section 9.3: a connection that was to be kept may end at any time.
    const bool again = state_ == State::SkippingBody || (state_ == State::Asked && reused_ && reader_.held() == 0);
    if (again) {
        state_ = State::Idle;
        outputs_.push_back(Reconnect{});
    } else if (state_ == State::Asked) {
        refuse(0, "the proxy hung up without an answer");
    }
}

void Connect::refuse(int status, std::string detail) {
    state_ = State::Done;
    outputs_.push_back(Refused{status, std::move(detail)});
}

std::vector<Connect::Output> Connect::drain() { return std::exchange(outputs_, {}); }

}  // namespace gatelab::http
