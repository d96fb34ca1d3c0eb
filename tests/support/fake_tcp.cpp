#include "tests/support/fake_tcp.h"

#include <algorithm>
#include <array>

namespace gatelab::testing {

// One end of a connection: what it has been told to call, and how much of what it wrote is under way.
struct FakeTcp::Pipe {
    Endpoint local;
    TcpStream::Callbacks callbacks;
    std::size_t under_way = 0;
    bool open = true, blocked = false;
};

struct FakeTcp::Connection {
    std::array<Pipe, 2> ends;  // who dialled, who was dialled
};

class FakeTcp::Stream final : public TcpStream {
public:
    Stream(FakeTcp& tcp, std::shared_ptr<Connection> connection, std::size_t end)
        : tcp_(tcp), connection_(std::move(connection)), end_(end) {}
    ~Stream() override {
        here().callbacks = {};
        if (here().open) tell_closed("reset");
        here().open = false;
    }
    Endpoint local() const override { return here().local; }
    Endpoint remote() const override { return there().local; }
    std::size_t write(ByteView bytes) override {
        if (!here().open) return 0;
        const auto taken = std::min(bytes.size(), tcp_.window - std::min(tcp_.window, here().under_way));
        here().blocked = taken < bytes.size();
        if (taken == 0) return 0;
        here().under_way += taken;
        deliver(copy_of(bytes.first(taken)));
        return taken;
    }
    void close() override {
        if (std::exchange(here().open, false)) tell_closed("");
    }
    void set_callbacks(Callbacks callbacks) override { here().callbacks = std::move(callbacks); }

private:
    Pipe& here() const { return connection_->ends[end_]; }
    Pipe& there() const { return connection_->ends[1 - end_]; }

    void deliver(Bytes bytes) {
        tcp_.network_.later(tcp_.network_.delay,
                            [&tcp = tcp_, connection = connection_, end = end_, bytes = std::move(bytes)]() mutable {
                                arrive(tcp, connection, end, std::move(bytes));
                            });
    }
    static void arrive(FakeTcp& tcp, const std::shared_ptr<Connection>& connection, std::size_t end, Bytes bytes) {
        if (tcp.stalled || connection->ends[1 - end].local == tcp.deaf)
            return tcp.network_.later(std::chrono::milliseconds(10),
                                      [&tcp, connection, end, bytes = std::move(bytes)]() mutable {
                                          arrive(tcp, connection, end, std::move(bytes));
                                      });
        auto &from = connection->ends[end], &to = connection->ends[1 - end];
        from.under_way -= bytes.size();
        const auto received = to.callbacks.received;
        if (received) received(bytes);
        const auto writable = std::exchange(from.blocked, false) ? from.callbacks.writable : nullptr;
        if (writable) writable();
    }
    void tell_closed(std::string why) {
        tcp_.network_.later(tcp_.network_.delay, [connection = connection_, end = end_, why = std::move(why)] {
            auto& other = connection->ends[1 - end];
            const auto closed = other.callbacks.closed;
            if (std::exchange(other.open, false) && closed) closed(why);
        });
    }

    FakeTcp& tcp_;
    std::shared_ptr<Connection> connection_;
    std::size_t end_;
};

class FakeTcp::Listener final : public TcpListener {
public:
    Listener(FakeTcp& tcp, Endpoint local) : tcp_(tcp), local_(local) { tcp_.listeners_[local] = this; }
    ~Listener() override { tcp_.listeners_.erase(local_); }
    void on_accept(Acceptor acceptor) override { acceptor_ = std::move(acceptor); }
    void accept(std::unique_ptr<TcpStream> stream) const {
        if (acceptor_) acceptor_(std::move(stream));
    }

private:
    FakeTcp& tcp_;
    Endpoint local_;
    Acceptor acceptor_;
};

Result<std::unique_ptr<TcpListener>> FakeTcp::listen(Endpoint local) {
    if (listeners_.contains(local)) return fail(Fault::Refused, to_string(local) + " is taken");
    return std::make_unique<Listener>(*this, local);
}

std::unique_ptr<TcpStream> FakeTcp::connect(Endpoint local, Endpoint remote) {
    auto connection = std::make_shared<Connection>();
    connection->ends[0].local = local;
    connection->ends[1].local = remote;
    network_.later(network_.delay, [this, connection, remote] {
        const auto at = listeners_.find(remote);
        const bool accepted = at != listeners_.end() && connection->ends[0].open;
        if (accepted) at->second->accept(std::make_unique<Stream>(*this, connection, 1));
        network_.later(network_.delay, [connection, accepted] {
            const auto& callbacks = connection->ends[0].callbacks;
            const auto connected = callbacks.connected;
            const auto closed = callbacks.closed;
            if (accepted && connected) connected();
            if (!accepted && std::exchange(connection->ends[0].open, false) && closed) closed("connection refused");
        });
    });
    return std::make_unique<Stream>(*this, connection, 0);
}

}  // namespace gatelab::testing
