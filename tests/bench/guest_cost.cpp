// What guests cost: wall time, memory, frames and wake-ups a second, for a number of guests in pairs.
//
//   guest_cost [--guests 2,4,8] [--pings 5000] [--spread]
//
// Each pair pings as fast as answers come (28 + 1400 octets), over a cable of its own with a delay of 100 us. Then all
// of them idle for an hour of simulated time. No ns-3: it is the guests that are measured.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <vector>

#include "sim/peers/uml/kernel.h"
#include "tests/sim/peers/uml/event_clock.h"
#include "tests/sim/peers/uml/wire.h"

namespace {

using namespace gatelab;
using namespace gatelab::sim::peers::uml;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

struct Part {
    double wall = 0, simulated = 0;
    std::uint64_t runs = 0, requests = 0, frames = 0;
};

class Bench {
public:
    Bench(fs::path kernel, unsigned guests, unsigned pings)
        : kernel_(std::move(kernel)), count_(guests), pings_(pings) {
        auto pattern = (fs::temp_directory_path() / "gatelab-bench-XXXXXX").string();
        if (!::mkdtemp(pattern.data())) throw std::runtime_error("cannot make " + pattern);
        folder_ = pattern;
    }
    ~Bench() {
        guests_.reset();
        fs::remove_all(folder_);
    }

    void run(bool one_processor) {
        guests_ = std::move(Guests::create(events_.clock(), {.one_processor = one_processor}).value());
        const auto boot = measure([this] {
            for (unsigned i = 0; i < count_; ++i) add(i);
            events_.run_until(1s);
        });
        for (unsigned i = 0; i + 1 < count_; i += 2)
            wires_.push_back(std::make_unique<Wire>(events_, all_[i]->card(0), all_[i + 1]->card(0), 100us));
        const auto load = measure([this] {
            events_.run_until(100s, [this] {
                for (unsigned i = 0; i < count_; i += 2)
                    if (!fs::exists(share(i) / "done")) return false;
                return true;
            });
        });
        const auto idle = measure([this] { events_.run_until(events_.now() + 1h); });
        std::size_t memory = 0;
        for (const auto* guest : all_) memory += guest->memory();
        fmt::print("{:6} {:9.2f} {:9.1f} {:9.2f} {:9.0f} {:9.0f} {:9.0f} {:11.2f} {:9}\n", count_, boot.wall,
                   static_cast<double>(memory) / count_ / (1 << 20), load.wall, load.frames / load.wall,
                   load.runs / load.wall, load.requests / load.wall, idle.wall, idle.runs);
        for (const auto* guest : all_)
            if (const auto health = guest->health(); !health) fmt::print("{}\n", health.error().detail);
    }

private:
    template <class Work>
    Part measure(Work work) {
        const auto before = guests_->counters();
        const auto began = events_.now();
        const auto start = std::chrono::steady_clock::now();
        work();
        const auto after = guests_->counters();
        return {std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count(),
                std::chrono::duration<double>(events_.now() - began).count(), after.runs - before.runs,
                after.requests - before.requests, after.frames_out - before.frames_out};
    }
    fs::path share(unsigned index) const { return folder_ / std::to_string(index); }
    void add(unsigned index) {
        fs::create_directories(share(index));
        std::ofstream init{share(index) / "init"};
        init << "#!/bin/sh\nexport PATH=/usr/sbin:/usr/bin:/sbin:/bin\nip addr add 10.0.0." << index % 2 + 1
             << "/24 dev eth0\nip link set eth0 up\nsleep 2\n";
        if (index % 2 == 0)
            init << "ping -q -f -s 1400 -c " << pings_ << " 10.0.0.2 > /run/share/out\ntouch /run/share/done\n";
        init << "sleep 1000000\n";
        init.close();
        fs::permissions(share(index) / "init", fs::perms{0755});
        GuestSpec spec;
        spec.name = std::to_string(index);
        spec.kernel = kernel_;
        spec.share = share(index);
        spec.cards.push_back({2, 0, 0, 0, 0, static_cast<std::uint8_t>(index)});
        all_.push_back(guests_->add(spec).value());
    }

    fs::path kernel_, folder_;
    unsigned count_, pings_;
    EventClock events_;
    std::unique_ptr<Guests> guests_;
    std::vector<Guest*> all_;
    std::vector<std::unique_ptr<Wire>> wires_;
};

}  // namespace

int main(int argc, char** argv) {
    CLI::App app{"What User-Mode Linux guests cost"};
    std::vector<unsigned> counts{2, 4, 8};
    unsigned pings = 5000;
    bool spread = false;
    app.add_option("--guests", counts, "how many, several times over")->delimiter(',');
    app.add_option("--pings", pings, "of each pair");
    app.add_flag("--spread", spread, "do not keep to one processor");
    CLI11_PARSE(app, argc, argv);
    const auto kernel = find_kernel();
    if (!kernel) return fmt::print(stderr, "{}\n", kernel.error().detail), 77;
    fmt::print("guests   boot, s  MiB each   load, s  frames/s    RUNs/s    REQs/s idle 1 h, s      RUNs\n");
    for (const auto count : counts) Bench{kernel->path, count, pings}.run(!spread);
}
