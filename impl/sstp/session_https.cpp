// The HTTPS request that never ends, from both sides ([MS-SSTP] section 4.1).
#include <fmt/format.h>

#include "impl/sstp/session_state.h"

namespace gatelab::sstp {
namespace {

constexpr std::string_view kMethod = "SSTP_DUPLEX_POST";
constexpr std::string_view kUri = "/sra_{BA195980-CD49-458b-9E23-C84EE0ADCD75}/";
constexpr std::string_view kEndless = "18446744073709551615";  // the largest length there is
constexpr int kMostInterim = 8;

// "{62DFA5C0-E2E0-4D50-97C9-C1C2B8BC7D52}" (RFC 9562 section 5.4).
std::string new_guid(Random& random) {
    auto bytes = random.bytes(16);
    bytes[6] = static_cast<std::uint8_t>((bytes[6] & 0x0f) | 0x40);
    bytes[8] = static_cast<std::uint8_t>((bytes[8] & 0x3f) | 0x80);
    const auto part = [&](std::size_t at, std::size_t size) {
        std::string text;
        for (const auto octet : ByteView{bytes}.subspan(at, size)) text += fmt::format("{:02X}", octet);
        return text;
    };
    return fmt::format("{{{}-{}-{}-{}-{}}}", part(0, 4), part(4, 2), part(6, 2), part(8, 2), part(10, 6));
}

// Text of a stranger, fit for a trace.
std::string shortened(std::string_view text) { return std::string{text.substr(0, 64)}; }

}  // namespace

void Session::State::handle_established(Instant now, tls::Engine::Established& up) {
    tls_version = tls::name_of(up.version);
    tls_suite = up.cipher_suite;
    if (up.peer) peer_certificate_name = up.peer->common_name();
    trace("tls-established", {{"version", tls_version}, {"suite", tls_suite}, {"peer", peer_certificate_name}});
    if (!is_client()) return;
    certificate = up.peer->der();
    correlation = new_guid(random);
    const http::Request request{
        .method = std::string{kMethod},
        .target = std::string{kUri},
        .version = "HTTP/1.1",
        .fields = {
            {"Content-Length", std::string{kEndless}}, {"Host", options.host}, {"SSTPCORRELATIONID", correlation}}};
    trace("http-request-sent", {{"method", request.method}, {"target", request.target}});
    tls.write(now, http::encode(request));
}

ByteView Session::State::handle_https(Instant now, ByteView plaintext) {
    auto head = reader.take(plaintext);
    if (!head) {
        if (is_client()) {
            end(CloseReason::HttpRefused, "the answer is an " + head.error().detail);
            finish(now, true);
        } else {
            answer(now, 431, "Request Header Fields Too Large", head.error().detail);
        }
        return {};
    }
    if (!*head) return {};
    is_client() ? handle_answer(now, (*head)->text) : handle_request(now, (*head)->text);
    return plaintext.subspan((*head)->used);
}

void Session::State::handle_request(Instant now, const std::string& head) {
    const auto request = http::parse_request(head);
    if (!request) return answer(now, 400, "Bad Request", request.error().detail);
    trace("http-request-received", {{"method", shortened(request->method)}, {"target", shortened(request->target)}});
    if (request->method != kMethod)
        return answer(now, 405, "Method Not Allowed", "the method is " + shortened(request->method),
                      {{"Allow", std::string{kMethod}}});
    if (request->target != kUri) return answer(now, 404, "Not Found", "the target is " + shortened(request->target));
    if (request->version != "HTTP/1.1")
        return answer(now, 505, "HTTP Version Not Supported", "the version is " + request->version);
    if (!http::field(request->fields, "Host")) return answer(now, 400, "Bad Request", "there is no Host field");
    correlation = shortened(http::field(request->fields, "SSTPCORRELATIONID").value_or(""));

    const http::Response ok{.status = 200,
                            .reason = "OK",
                            .version = "HTTP/1.1",
                            .fields = {{"Content-Length", std::string{kEndless}}, {"Date", http::date(now)}}};
    trace("http-answer-sent", {{"status", std::int64_t{200}}});
    tls.write(now, http::encode(ok));
    become(Stage::ConnectRequestPending, "200");
    // The document has no timer here; a client that says nothing more would stay for ever.
    deadline = now + options.negotiation;
}

// Refuses what came as HTTP, and closes.
void Session::State::answer(Instant now, int status, std::string_view reason, const std::string& text,
                            const http::Fields& more) {
    const auto bytes = http::plain_answer(
        status, reason, fmt::format("{} {}: {}\nThis is an SSTP server.\n", status, reason, text), more);
    trace("http-answer-sent", {{"status", std::int64_t{status}}});
    if (plain_http) {
        outputs.emplace_back(Send{bytes});
    } else {
        tls.write(now, bytes);
    }
    end(CloseReason::HttpRefused, fmt::format("answered {} {}: {}", status, reason, text));
    finish(now, true);
}

void Session::State::handle_plain_http(Instant now, ByteView bytes) {
    const auto head = reader.take(bytes);
    if (!head) return answer(now, 431, "Request Header Fields Too Large", head.error().detail);
    if (*head) answer(now, 400, "Bad Request", "a plain HTTP request was sent to an HTTPS port");
}

void Session::State::handle_answer(Instant now, const std::string& head) {
    const auto response = http::parse_response(head);
    if (!response) {
        end(CloseReason::HttpRefused, response.error().detail);
        return finish(now, true);
    }
    trace("http-answer-received", {{"status", std::int64_t{response->status}}});
    if (response->status < 200 && ++interim <= kMostInterim) return;
    if (response->status != 200) {
        end(CloseReason::HttpRefused,
            fmt::format("the server answered {} {}", response->status, shortened(response->reason)));
        return finish(now, true);
    }
    become(Stage::ConnectRequestSent, "200");
    send_connect_request(now);
}

}  // namespace gatelab::sstp
