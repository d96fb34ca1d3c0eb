#include "sim/peers/uml/guests.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <optional>

#include "sim/peers/uml/calendar.h"
#include "sim/peers/uml/guest_process.h"
#include "sim/peers/uml/keeper.h"
#include "sim/peers/uml/one_processor.h"
#include "sim/peers/uml/vhost_user_net.h"

namespace gatelab::sim::peers::uml {
namespace {

constexpr Duration kPatrol = std::chrono::seconds(1);     // simulated, between looks for guests that were killed
constexpr Duration kLastWords = std::chrono::seconds(5);  // wall time that a dying kernel may take

class GuestOfKernel final : public Guest, public CardOwner {
public:
    GuestOfKernel(const GuestSpec& spec, GuestClock clock, GuestLimits limits, std::unique_ptr<GuestProcess> process)
        : name_(spec.name),
          clock_(std::move(clock)),
          process_(std::move(process)),
          calendar_({clock_, limits, spec.time_of_day}, process_->take_clock(),
                    [this](Error error) { die(std::move(error)); }) {
        for (std::size_t i = 0; i < spec.cards.size(); ++i) {
            cards_.push_back(std::make_unique<VhostUserNet>(*this, spec.cards[i], process_->take_card(i)));
            calendar_.attach(*cards_.back());
        }
        booting_ = call_soon([this] { calendar_.boot([this] { return !process_->running(); }); });
    }

    // Killed before its connections close: it would say on its console that it missed them, or not get that far.
    ~GuestOfKernel() override {
        if (!death_) end_process();
    }

    // Guest
    Card& card(std::size_t index) override { return *cards_.at(index); }
    Result<void> health() const override {
        if (!death_) return {};
        return tl::unexpected<Error>(*death_);
    }
    void on_end(std::function<void()> call) override { on_end_ = std::move(call); }
    std::size_t memory() const override { return death_ ? 0 : process_->resident(); }
    void power_off() override {
        if (death_) return;
        bury({Fault::Unavailable, "was switched off"});
        ending_.reset();
    }

    // CardOwner
    Calendar::State state() const override { return calendar_.state(); }
    std::uint64_t runs() const override { return calendar_.runs(); }
    Result<void> attend(int descriptor) override { return calendar_.attend(descriptor); }
    Timer call_soon(std::function<void()> call) override { return clock_.call_at(clock_.now(), std::move(call)); }
    void card_failed(Error error) override { die(std::move(error)); }

    void look_after() {
        if (!death_ && !process_->running()) die({Fault::Io, "ended"});
    }
    void add_to(GuestCounters& sum) const {
        sum.runs += calendar_.runs();
        sum.requests += calendar_.requests();
        for (const auto& card : cards_) sum.frames_in += card->frames_in(), sum.frames_out += card->frames_out();
    }

private:
    // A connection that closes is only the first sign: how the process ended says more.
    void die(Error error) {
        if (death_) return;
        if (error.fault == Fault::Io)
            if (auto end = process_->end(kLastWords))
                error.detail = std::move(*end) + (calendar_.started() ? "" : " before it connected to its clock");
        bury(std::move(error));
    }
    void bury(Error error) {
        const auto console = process_->last_lines();
        death_ = Error{Fault::Unavailable, fmt::format("the guest {} {}; its console {}", name_, error.detail,
                                                       console.empty() ? "is empty" : "ends with:\n" + console)};
        end_process();
        calendar_.end();
        for (auto& card : cards_) card->end();
        booting_.reset();
        ending_ = call_soon([this] {
            if (const auto call = std::exchange(on_end_, {})) call();
        });
    }

    void end_process() {
        process_->kill();
        (void)process_->end(kLastWords);
    }

    std::string name_;
    GuestClock clock_;
    std::unique_ptr<GuestProcess> process_;
    Calendar calendar_;
    std::vector<std::unique_ptr<VhostUserNet>> cards_;
    std::optional<Error> death_;
    std::function<void()> on_end_;
    Timer booting_, ending_;
};

class GuestsOfKeeper final : public Guests {
public:
    GuestsOfKeeper(GuestClock clock, GuestLimits limits, std::unique_ptr<OneProcessor> processor,
                   std::unique_ptr<Keeper> keeper)
        : clock_(std::move(clock)), limits_(limits), processor_(std::move(processor)), keeper_(std::move(keeper)) {}

    Result<Guest*> add(const GuestSpec& spec) override {
        const auto wanted = std::uint64_t{spec.memory_mib} << 20;
        auto process = GuestProcess::start(*keeper_, spec, fmt::format("guest{}", guests_.size()),
                                           memory_folder(promised_ + wanted));
        if (!process)
            return fail(process.error().fault, fmt::format("the guest {}: {}", spec.name, process.error().detail));
        promised_ += wanted;
        guests_.push_back(std::make_unique<GuestOfKernel>(spec, clock_, limits_, std::move(*process)));
        if (!patrol_) patrol();
        return guests_.back().get();
    }

    GuestCounters counters() const override {
        GuestCounters sum;
        for (const auto& guest : guests_) guest->add_to(sum);
        return sum;
    }

    const std::filesystem::path& scratch() const override { return keeper_->scratch(); }

private:
    // A guest that is killed while it waits is missed by nobody.
    void patrol() {
        for (const auto& guest : guests_) guest->look_after();
        patrol_ = clock_.call_at(clock_.now() + kPatrol, [this] { patrol(); });
    }

    GuestClock clock_;
    GuestLimits limits_;
    std::unique_ptr<OneProcessor> processor_;
    std::unique_ptr<Keeper> keeper_;
    std::uint64_t promised_ = 0;  // memory, octets
    std::vector<std::unique_ptr<GuestOfKernel>> guests_;
    Timer patrol_;
};

}  // namespace

Result<std::unique_ptr<Guests>> Guests::create(GuestClock clock, GuestLimits limits) {
    auto processor = limits.one_processor ? std::make_unique<OneProcessor>() : nullptr;
    auto keeper = Keeper::start();  // which passes the processor on
    if (!keeper) return pass(keeper);
    return std::make_unique<GuestsOfKeeper>(std::move(clock), limits, std::move(processor), std::move(*keeper));
}

}  // namespace gatelab::sim::peers::uml
