#include "sim/peers/uml/control_channel.h"

#include <optional>
#include <utility>

namespace gatelab::sim::peers::uml {
namespace {

using agent::Channel;

constexpr std::size_t kCongested = 4 * 1024 * 1024;  // octets that may wait for the guest
constexpr Duration kRetry = std::chrono::milliseconds(1);

std::optional<Channel> channel_of(const agent::Message& message) {
    return std::visit(
        [](const auto& one) -> std::optional<Channel> {
            if constexpr (requires { one.channel; }) return one.channel;
            return std::nullopt;
        },
        message);
}

}  // namespace

class ControlChannel::Core : public std::enable_shared_from_this<Core> {
public:
    Core(Card& card, GuestClock clock, std::function<void(const agent::Hello&)> hello,
         std::function<void(const Error&)> emergency)
        : card_(card), clock_(std::move(clock)), hello_(std::move(hello)), emergency_(std::move(emergency)) {}

    void begin() {
        card_.on_frame([weak = weak_from_this()](ByteView frame) {
            if (const auto self = weak.lock()) self->take(frame);
        });
    }

    void end() {
        card_.on_frame({});
        over_ = true;
        pump_.reset();
        lines_.clear();
    }

    Result<void> send(const agent::Message& message) {
        if (broken_) return fail(broken_->fault, broken_->detail);
        // Streams have their own limit, and nobody would tell them to go on.
        if (std::holds_alternative<agent::Datagram>(message) && link_.backlog() > kCongested)
            return fail(Fault::Unavailable, "too much waits for the guest already");
        if (!link_.queue(agent::encode(message)))
            return fail(Fault::Unsupported, "a request to the guest is larger than 1 MiB");
        pump_soon();
        return {};
    }

    std::unique_ptr<Line> add(std::optional<Channel> channel, Ears ears);

    void remove(Channel channel) {
        if (lines_.erase(channel) > 0 && !over_) (void)send(agent::Close{channel});
    }

    void break_off(const Error& why) {
        if (broken_ || over_) return;
        broken_ = why;
        pump_soon();
    }

    std::function<void(const agent::Configured&)> configured;

private:
    void take(ByteView frame) {
        if (broken_) return;
        if (const auto handled = link_.handle_frame(frame); !handled) return misunderstood(handled.error());
        pump_soon();
    }

    void misunderstood(const Error& why) {
        alarm_ = true;
        break_off(why);
    }

    void pump_soon(Duration wait = {}) {
        if (!pump_ && !over_) pump_ = clock_.call_at(clock_.now() + wait, [this] { pump(); });
    }

    void pump() {
        const auto self = shared_from_this();
        pump_.reset();
        while (!over_ && !broken_) {
            const auto bytes = link_.next_message();
            if (!bytes) break;
            if (const auto message = agent::parse(*bytes))
                handle(*message);
            else
                misunderstood(message.error());
        }
        if (!over_ && broken_) return tell_broken();
        if (!over_ && ready_) flush();
    }

    void handle(const agent::Message& message) {
        if (const auto* hello = std::get_if<agent::Hello>(&message)) {
            if (hello->version != agent::kVersion)
                return misunderstood({Fault::Unsupported, "the guest's agent is of another version"});
            ready_ = true;
            return hello_(*hello);
        }
        if (const auto* done = std::get_if<agent::Configured>(&message)) {
            if (configured) configured(*done);
            return;
        }
        const auto channel = channel_of(message);
        const auto line = channel ? lines_.find(*channel) : lines_.end();
        if (line == lines_.end()) return;  // it has been closed, and the agent did not know yet
        const auto ears = line->second;    // the call may end the line
        if (ears->received) ears->received(message);
    }

    void flush() {
        for (;;) {
            if (unsent_.empty()) {
                const auto frame = link_.next_frame();
                if (!frame) return;
                unsent_.assign(frame->begin(), frame->end());
            }
            if (!card_.send(unsent_)) return pump_soon(kRetry);
            unsent_.clear();
        }
    }

    void tell_broken() {
        if (std::exchange(alarm_, false) && emergency_) emergency_(*broken_);
        while (!over_) {
            const auto line = lines_.begin();
            if (line == lines_.end()) return;
            const auto ears = line->second;
            lines_.erase(line);
            if (ears->broken) ears->broken(*broken_);
        }
    }

    Card& card_;
    const GuestClock clock_;
    const std::function<void(const agent::Hello&)> hello_;
    const std::function<void(const Error&)> emergency_;
    agent::FrameLink link_{agent::kHarnessMac, agent::kControlMac};
    std::map<Channel, std::shared_ptr<const Ears>> lines_;
    Channel next_channel_ = 2;
    Bytes unsent_;  // a frame that the card had no room for
    Timer pump_;
    bool ready_ = false, over_ = false, alarm_ = false;
    std::optional<Error> broken_;
};

namespace {

class OpenLine final : public ControlChannel::Line {
public:
    OpenLine(std::weak_ptr<ControlChannel::Core> core, Channel channel) : core_(std::move(core)), channel_(channel) {}
    ~OpenLine() override {
        if (const auto core = core_.lock()) core->remove(channel_);
    }
    Channel channel() const override { return channel_; }
    Result<void> send(const agent::Message& message) override {
        if (const auto core = core_.lock()) return core->send(message);
        return fail(Fault::Io, "the guest is no more");
    }

private:
    const std::weak_ptr<ControlChannel::Core> core_;
    const Channel channel_;
};

}  // namespace

std::unique_ptr<ControlChannel::Line> ControlChannel::Core::add(std::optional<Channel> channel, Ears ears) {
    if (!channel) channel = std::exchange(next_channel_, next_channel_ + 2);
    lines_[*channel] = std::make_shared<const Ears>(std::move(ears));
    if (broken_) pump_soon();
    return std::make_unique<OpenLine>(weak_from_this(), *channel);
}

ControlChannel::ControlChannel(Card& card, GuestClock clock, std::function<void(const agent::Hello&)> hello,
                               std::function<void(const Error&)> emergency)
    : core_(std::make_shared<Core>(card, std::move(clock), std::move(hello), std::move(emergency))) {
    core_->begin();
}

ControlChannel::~ControlChannel() { core_->end(); }

std::unique_ptr<ControlChannel::Line> ControlChannel::open(Ears ears) {
    return core_->add(std::nullopt, std::move(ears));
}
std::unique_ptr<ControlChannel::Line> ControlChannel::take_over(Channel channel, Ears ears) {
    return core_->add(channel, std::move(ears));
}
void ControlChannel::send(const agent::Message& message) { (void)core_->send(message); }
void ControlChannel::on_configured(std::function<void(const agent::Configured&)> told) {
    core_->configured = std::move(told);
}
void ControlChannel::break_off(const Error& why) { core_->break_off(why); }

}  // namespace gatelab::sim::peers::uml
