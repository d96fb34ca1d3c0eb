#include "impl/http/head.h"

#include <algorithm>
#include <charconv>

namespace gatelab::http {
namespace {

char lower(char letter) { return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter; }

bool same(std::string_view a, std::string_view b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return lower(x) == lower(y); });
}

bool is_blank(char letter) { return letter == ' ' || letter == '\t'; }
bool is_digit(char letter) { return letter >= '0' && letter <= '9'; }

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
    while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
    return text;
}

// RFC 9110 section 5.6.2.
bool is_token(std::string_view text) {
    const auto allowed = [](char letter) {
        return is_digit(letter) || (lower(letter) >= 'a' && lower(letter) <= 'z') ||
               std::string_view{"!#$%&'*+-.^_`|~"}.find(letter) != std::string_view::npos;
    };
    return !text.empty() && std::all_of(text.begin(), text.end(), allowed);
}

// Text of a value or a reason: visible octets, blanks, and obs-text (RFC 9110 section 5.5).
bool is_text(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char letter) {
        const auto octet = static_cast<unsigned char>(letter);
        return octet == '\t' || (octet >= 0x20 && octet != 0x7f);
    });
}

// "HTTP/1.1": two digits, whatever they are.
bool is_version(std::string_view text) {
    return text.size() == 8 && text.starts_with("HTTP/") && is_digit(text[5]) && text[6] == '.' && is_digit(text[7]);
}

// Takes the next line off; a bare LF ends one too (RFC 9112 section 2.2).
std::optional<std::string_view> take_line(std::string_view& rest) {
    const auto end = rest.find('\n');
    if (end == rest.npos) return std::nullopt;
    auto line = rest.substr(0, end);
    rest.remove_prefix(end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    return line;
}

tl::unexpected<Error> malformed(std::size_t line, std::string_view what) {
    return fail(Fault::Malformed, "HTTP head, line " + std::to_string(line) + ": " + std::string{what});
}

Result<Fields> parse_fields(std::string_view rest) {
    Fields fields;
    for (std::size_t number = 2;; ++number) {
        const auto line = take_line(rest);
        if (!line) return malformed(number, "the head ends without an empty line");
        if (line->empty()) break;
        const auto colon = line->find(':');
        // Neither blanks before the colon nor continued lines: RFC 9112 sections 5.1 and 5.2 let a recipient refuse
        // both.
        if (colon == line->npos || !is_token(line->substr(0, colon)))
            return malformed(number, "not a field (expected \"Name: value\")");
        const auto value = trimmed(line->substr(colon + 1));
        if (!is_text(value)) return malformed(number, "control characters in a value");
        fields.emplace_back(line->substr(0, colon), value);
    }
    if (!rest.empty()) return fail(Fault::Malformed, "HTTP head that goes on after its empty line");
    return fields;
}

std::string text_of(const Fields& fields) {
    std::string text;
    for (const auto& [name, value] : fields) text += name + ": " + value + "\r\n";
    return text + "\r\n";
}

Bytes bytes_of(std::string_view text) { return copy_of(as_bytes(text)); }

}  // namespace

std::optional<std::string_view> field(const Fields& fields, std::string_view name) {
    for (const auto& [key, value] : fields)
        if (same(key, name)) return value;
    return std::nullopt;
}

bool lists(const Fields& fields, std::string_view name, std::string_view token) {
    for (const auto& [key, value] : fields) {
        if (!same(key, name)) continue;
        for (std::string_view rest = value; !rest.empty();) {
            const auto end = std::min(rest.find(','), rest.size());
            if (same(trimmed(rest.substr(0, end)), token)) return true;
            rest.remove_prefix(std::min(end + 1, rest.size()));
        }
    }
    return false;
}

Result<std::optional<std::uint64_t>> content_length(const Fields& fields) {
    std::optional<std::uint64_t> length;
    for (const auto& [key, value] : fields) {
        if (!same(key, "Content-Length")) continue;
        std::uint64_t number = 0;
        const auto read = std::from_chars(value.data(), value.data() + value.size(), number);
        if (read.ec != std::errc{} || read.ptr != value.data() + value.size() || (length && *length != number))
            return fail(Fault::Malformed, "Content-Length \"" + value + "\" (expected one number)");
        length = number;
    }
    return length;
}

Bytes encode(const Request& request) {
    return bytes_of(request.method + " " + request.target + " " + request.version + "\r\n" + text_of(request.fields));
}

Bytes encode(const Response& response) {
    return bytes_of(response.version + " " + std::to_string(response.status) + " " + response.reason + "\r\n" +
                    text_of(response.fields));
}

Result<Request> parse_request(std::string_view head) {
    const auto line = take_line(head);
    if (!line) return malformed(1, "not a whole line");
    const auto first = line->find(' '), last = line->rfind(' ');
    if (first == line->npos || first == last)
        return malformed(1, "not a request (expected \"METHOD target HTTP/1.1\")");
    Request request{.method = std::string{line->substr(0, first)},
                    .target = std::string{line->substr(first + 1, last - first - 1)},
                    .version = std::string{line->substr(last + 1)},
                    .fields = {}};
    const bool target_holds = !request.target.empty() && is_text(request.target) &&
                              std::none_of(request.target.begin(), request.target.end(), is_blank);
    if (!is_token(request.method) || !target_holds || !is_version(request.version))
        return malformed(1, "not a request (expected \"METHOD target HTTP/1.1\")");
    auto fields = parse_fields(head);
    if (!fields) return pass(fields);
    request.fields = std::move(*fields);
    return request;
}

Result<Response> parse_response(std::string_view head) {
    const auto line = take_line(head);
    if (!line) return malformed(1, "not a whole line");
    const auto wrong = [] { return malformed(1, "not a status line (expected \"HTTP/1.1 200 OK\")"); };
    // "HTTP/1.1 200" and then nothing, or a blank and a reason, which may be empty.
    if (line->size() < 12 || !is_version(line->substr(0, 8)) || (*line)[8] != ' ') return wrong();
    const auto digits = line->substr(9, 3);
    if (!std::all_of(digits.begin(), digits.end(), is_digit) || digits[0] < '1' || digits[0] > '5') return wrong();
    const auto reason = line->substr(12);
    if (!reason.empty() && (reason[0] != ' ' || !is_text(reason))) return wrong();
    auto fields = parse_fields(head);
    if (!fields) return pass(fields);
    return Response{.status = (digits[0] - '0') * 100 + (digits[1] - '0') * 10 + (digits[2] - '0'),
                    .reason = std::string{trimmed(reason)},
                    .version = std::string{line->substr(0, 8)},
                    .fields = std::move(*fields)};
}

std::string date(Instant at) {
    constexpr std::string_view kDays = "SunMonTueWedThuFriSat", kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";
    const auto day = std::chrono::floor<std::chrono::days>(at);
    const std::chrono::sys_days calendar{day.time_since_epoch()};
    const std::chrono::year_month_day ymd{calendar};
    const auto iso = format_utc(at);  // 2006-11-09T00:51:09Z
    return std::string{kDays.substr(std::chrono::weekday{calendar}.c_encoding() * 3, 3)} + ", " + iso.substr(8, 2) +
           " " + std::string{kMonths.substr((unsigned{ymd.month()} - 1) * 3, 3)} + " " + iso.substr(0, 4) + " " +
           iso.substr(11, 8) + " GMT";
}

Bytes plain_answer(int status, std::string_view reason, std::string_view text, const Fields& more) {
    Response response{.status = status, .reason = std::string{reason}, .version = "HTTP/1.1", .fields = more};
    response.fields.emplace_back("Content-Type", "text/plain");
    response.fields.emplace_back("Content-Length", std::to_string(text.size()));
    response.fields.emplace_back("Connection", "close");
    auto bytes = encode(response);
    append(bytes, as_bytes(text));
    return bytes;
}

Result<std::optional<HeadReader::Head>> HeadReader::take(ByteView bytes) {
    for (std::size_t at = 0; at < bytes.size(); ++at) {
        if (text_.size() == limit_)
            return fail(Fault::Refused, "HTTP head of more than " + std::to_string(limit_) + " octets");
        text_.push_back(static_cast<char>(bytes[at]));
        if (bytes[at] != '\n' || !(text_.ends_with("\n\r\n") || text_.ends_with("\n\n"))) continue;
        return Head{.text = std::exchange(text_, {}), .used = at + 1};
    }
    return std::nullopt;
}

}  // namespace gatelab::http
