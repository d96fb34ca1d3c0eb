#include "tests/support/sstp_dialler.h"

#include "tests/support/fake_tcp.h"
#include "tests/support/p2s_lab.h"

namespace gatelab::testing {

using namespace std::chrono_literals;

sstp::Options sstp_client_options(const std::string& name, const std::string& password) {
    sstp::Options options;
    options.role = sstp::Role::Client;
    options.tls.policy = tls::any_policy();
    options.tls.roots = roots();
    options.tls.server_name = options.host = "gw.example.com";
    options.ppp.credentials = {name, password};
    return options;
}

SstpDialler::SstpDialler(FakeNetwork& network, Endpoint from, Endpoint to, sstp::Options options)
    : network_(network),
      random_(1, "dialler " + to_string(from)),
      session_(std::move(*sstp::Session::create(std::move(options), random_))) {
    stream_ = std::make_unique<tunnel::ByteStream>(
        network.tcp().connect(from, to), tunnel::ByteStream::Limits{},
        tunnel::ByteStream::Callbacks{.connected =
                                          [this] {
                                              session_.start(network_.now());
                                              pump();
                                          },
                                      .received =
                                          [this](ByteView bytes) {
                                              session_.handle_bytes(network_.now(), bytes, [this](ByteView inner) {
                                                  received.push_back(copy_of(inner));
                                              });
                                              pump();
                                          },
                                      .closed =
                                          [this](const std::string& why) {
                                              session_.handle_closed(network_.now(), why);
                                              pump();
                                          }});
}

void SstpDialler::send(ByteView inner) {
    session_.seal(network_.now(), inner, [this](ByteView bytes) {
        if (!mute) stream_->send(bytes);
    });
    pump();
}

void SstpDialler::close() {
    session_.close(network_.now());
    pump();
}

bool SstpDialler::connect() {
    network_.run_until([this] { return opened || closed; }, 60s);
    return opened && !closed;
}

void SstpDialler::pump() {
    for (auto& output : session_.drain()) {
        if (const auto* send = std::get_if<sstp::Session::Send>(&output); send && !mute) stream_->send(send->bytes);
        if (const auto* open = std::get_if<sstp::Session::Opened>(&output)) opened = open->agreed;
        if (auto* end = std::get_if<sstp::Session::Closed>(&output)) {
            closed = std::move(*end);
            stream_->close();
        }
    }
    timer_.reset();
    if (const auto next = session_.next_timeout(); next && !closed)
        timer_ = network_.call_at(*next, [this] {
            session_.handle_timeout(network_.now());
            pump();
        });
}

}  // namespace gatelab::testing
