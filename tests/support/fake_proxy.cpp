#include "tests/support/fake_proxy.h"

namespace gatelab::testing {
FakeProxy::FakeProxy(FakeHost& host, Endpoint at) : host_(host), listener_(std::move(*host.listen_tcp(at))) {
    listener_->on_accept([this](std::unique_ptr<TcpStream> stream) { accept(std::move(stream)); });
}

void FakeProxy::accept(std::unique_ptr<TcpStream> stream) {
    auto& pair = pairs_.emplace_back();
    pair.inside = std::move(stream);
    pair.inside->set_callbacks({.connected = {},
                                .received = [this, &pair](ByteView bytes) { take(pair, bytes); },
                                .writable = {},
                                .closed =
                                    [&pair](const std::string&) {
                                        if (pair.outside) pair.outside->close();
                                    }});
}

void FakeProxy::take(Pair& pair, ByteView bytes) {
    if (mute) return;
    if (pair.open) return void(pair.outside->write(bytes));
    const auto head = pair.reader.take(bytes);
    if (head && *head) answer(pair, *http::parse_request((*head)->text));
}

Endpoint FakeProxy::resolve(const std::string& target) const {
    const auto colon = target.rfind(':');
    const auto name = target.substr(0, colon);
    const auto address = names.contains(name) ? names.at(name) : parse_address(name).value();
    return {address, static_cast<std::uint16_t>(std::stoi(target.substr(colon + 1)))};
}

void FakeProxy::say(Pair& pair, int status, const std::string& fields) {
    const auto text = "HTTP/1.1 " + std::to_string(status) + " So\r\n" + fields + "\r\n";
    pair.inside->write(as_bytes(text));
}

void FakeProxy::answer(Pair& pair, const http::Request& request) {
    asked.push_back(request.target);
    pair.reader = http::HeadReader{};
    if (refusal != 0) return say(pair, refusal, "");
    const auto shown = http::field(request.fields, "Proxy-Authorization");
    if (wanted && (!shown || http::parse_basic_authorization(*shown) != wanted)) {
        say(pair, 407,
            "Proxy-Authenticate: Basic realm=\"lab\"\r\nContent-Length: 0\r\n" +
                std::string(keeps_open ? "" : "Connection: close\r\n"));
        if (!keeps_open) pair.inside->close();
        return;
    }
    pair.outside = std::move(*host_.connect_tcp(resolve(request.target)));
    pair.outside->set_callbacks(
        {.connected =
             [this, &pair] {
                 pair.open = true;
                 say(pair, 200, "");
                 pair.inside->write(pair.early);
             },
         .received =
             [&pair](ByteView bytes) { pair.open ? void(pair.inside->write(bytes)) : append(pair.early, bytes); },
         .writable = {},
         .closed =
             [this, &pair](const std::string&) {
                 if (!pair.open) say(pair, 502, "");
                 pair.inside->close();
             }});
}

}  // namespace gatelab::testing
