#include "sim/peers/uml/guest_stream.h"

#include <algorithm>

namespace gatelab::sim::peers::uml {
namespace {

using Line = ControlChannel::Line;

class GuestStream final : public TcpStream {
public:
    GuestStream(Endpoint local, Endpoint remote, bool connected)
        : local_(local), remote_(remote), connected_(connected) {}

    ControlChannel::Ears ears() {
        return {.received = [this](const agent::Message& message) { handle(message); },
                .broken = [this](const Error& why) { end(why.detail); }};
    }
    void hold(std::unique_ptr<Line> line) { line_ = std::move(line); }
    Line& line() { return *line_; }

    Endpoint local() const override { return local_; }
    Endpoint remote() const override { return remote_; }
    std::uint64_t retransmissions() const override { return retransmissions_; }
    void set_callbacks(Callbacks callbacks) override {
        callbacks_ = std::make_shared<const Callbacks>(std::move(callbacks));
    }

    std::size_t write(ByteView bytes) override {
        if (ended_ || closing_) return 0;
        std::size_t taken = 0;
        const auto room = connected_ ? agent::kStreamWindow - under_way_ : 0;
        while (taken < std::min(bytes.size(), room)) {
            const auto chunk = bytes.subspan(taken, std::min({bytes.size() - taken, room - taken, agent::kChunk}));
            if (!line_->send(agent::Data{line_->channel(), chunk})) break;
            taken += chunk.size();
        }
        under_way_ += taken;
        full_ = full_ || taken < bytes.size();
        return taken;
    }

    void close() override {
        if (!std::exchange(closing_, true) && connected_) finish();
    }

private:
    void finish() { (void)line_->send(agent::Finish{line_->channel()}); }

    void handle(const agent::Message& message) {
        if (const auto* connected = std::get_if<agent::Connected>(&message))
            handle(*connected);
        else if (const auto* data = std::get_if<agent::Data>(&message))
            call([&](const Callbacks& told) { told.received ? told.received(data->bytes) : void(); });
        else if (const auto* credit = std::get_if<agent::Credit>(&message))
            handle(*credit);
        else if (const auto* closed = std::get_if<agent::Closed>(&message))
            handle(*closed);
    }

    void handle(const agent::Connected& now) {
        if (connected_) return;
        connected_ = true;
        local_ = now.local;
        remote_ = now.remote;
        if (closing_) finish();
        if (call([](const Callbacks& told) { told.connected ? told.connected() : void(); })) tell_writable();
    }

    void handle(const agent::Credit& credit) {
        under_way_ -= std::min<std::size_t>(under_way_, credit.octets);
        retransmissions_ = credit.retransmissions;
        tell_writable();
    }

    void handle(const agent::Closed& closed) {
        retransmissions_ = std::max<std::uint64_t>(retransmissions_, closed.retransmissions);
        end(closed.reason);
    }

    void tell_writable() {
        if (full_ && !closing_ && !ended_ && under_way_ < agent::kStreamWindow) {
            full_ = false;
            call([](const Callbacks& told) { told.writable ? told.writable() : void(); });
        }
    }

    void end(const std::string& why) {
        if (!std::exchange(ended_, true)) call([&](const Callbacks& told) { told.closed ? told.closed(why) : void(); });
    }

    // A callback may replace the callbacks, or abort the stream: false then.
    template <class Call>
    bool call(Call&& tell) {
        const std::weak_ptr<int> alive = alive_;
        const auto told = callbacks_;
        tell(*told);
        return !alive.expired();
    }

    Endpoint local_, remote_;
    bool connected_, full_ = false, closing_ = false, ended_ = false;
    std::size_t under_way_ = 0;  // octets that the guest's socket has not taken yet
    std::uint64_t retransmissions_ = 0;
    std::shared_ptr<const Callbacks> callbacks_ = std::make_shared<const Callbacks>();
    std::shared_ptr<int> alive_ = std::make_shared<int>();
    std::unique_ptr<Line> line_;
};

std::unique_ptr<GuestStream> open(ControlChannel& control, Endpoint remote) {
    auto stream = std::make_unique<GuestStream>(Endpoint{}, remote, false);
    stream->hold(control.open(stream->ears()));
    return stream;
}

}  // namespace

std::unique_ptr<TcpStream> connect_in_guest(ControlChannel& control, const std::string& path) {
    auto stream = open(control, {});
    (void)stream->line().send(agent::ConnectUnix{stream->line().channel(), path});
    return stream;
}

std::unique_ptr<TcpStream> connect_from_guest(ControlChannel& control, Endpoint remote) {
    auto stream = open(control, remote);
    (void)stream->line().send(agent::ConnectTcp{stream->line().channel(), remote});
    return stream;
}

std::unique_ptr<TcpStream> take_accepted(ControlChannel& control, const agent::Accepted& news) {
    auto stream = std::make_unique<GuestStream>(news.local, news.remote, true);
    stream->hold(control.take_over(news.stream, stream->ears()));
    return stream;
}

}  // namespace gatelab::sim::peers::uml
