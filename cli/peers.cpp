// gatelab peers kernel, gatelab peers libreswan, gatelab peers softether
#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>

#include "cli/verbs.h"
#include "sim/peers/libreswan_package.h"
#include "sim/peers/softether_package.h"
#include "sim/peers/uml/kernel.h"

namespace gatelab::cli {
namespace {

namespace uml = sim::peers::uml;
using Clock = std::chrono::steady_clock;

// A bar on a terminal; elsewhere a line for each step, and for each quarter of a long one.
class Teller {
public:
    void tell(const uml::KernelProgress& far) {
        const auto text = fmt::format("{:.0f} % {}", far.share * 100, far.step);
        if (isatty(STDERR_FILENO) == 1) return bar_.show(far.share, text);
        const auto quarter = static_cast<int>(far.share * 4);
        if (far.step == step_ && quarter == quarter_) return;
        fmt::print(stderr, "{}\n", text);
        step_ = far.step;
        quarter_ = quarter;
    }

private:
    ProgressBar bar_;
    std::string step_;
    int quarter_ = 0;
};

Exit make_kernel(const Console& console) {
    const auto start = Clock::now();
    bool built = false;
    const auto kernel = [&] {
        Teller teller;
        return uml::build_kernel([&](const uml::KernelProgress& far) {
            built = true;
            teller.tell(far);
        });
    }();
    if (!kernel) return console.complain(kernel.error());
    const auto seconds = std::chrono::duration<double>(Clock::now() - start).count();
    if (console.json) {
        console.print_document(Json{{"path", kernel->path.string()},
                                    {"version", kernel->version},
                                    {"hash", kernel->hash},
                                    {"built", built},
                                    {"seconds", seconds}});
        return Exit::Held;
    }
    const auto how = built ? fmt::format("built in {:.0f} s", seconds) : std::string{"it was there"};
    Table table{{"kernel", kernel->path.string()}};
    table.add({"version", kernel->version});
    table.add({"hash", kernel->hash});
    table.add({"", how});
    console.print(table.text());
    return Exit::Held;
}

Exit get(const sim::peers::PackageSpec& wanted, const Console& console) {
    const auto package =
        sim::peers::fetch_package(wanted, [](const std::string& step) { fmt::print(stderr, "{}\n", step); });
    if (!package) return console.complain(package.error());
    const auto where = package->root.empty() ? std::string{"installed"} : package->root.string();
    if (console.json) {
        console.print_document(Json{{"path", where}, {"version", package->version}});
        return Exit::Held;
    }
    Table table{{wanted.name, where}};
    table.add({"version", package->version});
    console.print(table.text());
    return Exit::Held;
}

}  // namespace

void add_peers(CLI::App& root, Request& request) {
    auto* peers = root.add_subcommand("peers", "What real peers need");
    peers->require_subcommand(1);
    add_verb(*peers, request, "kernel", "Build the kernel of real peers in virtual time, unless it is there",
             make_kernel);
    add_verb(*peers, request, "libreswan", "Fetch libreswan and unpack it, without installing, unless that was done",
             [](const Console& console) { return get(sim::peers::libreswan_package(), console); });
    add_verb(*peers, request, "softether",
             "Fetch SoftEther VPN Server and unpack it, without installing, unless that was done",
             [](const Console& console) { return get(sim::peers::softether_package(), console); });
}

}  // namespace gatelab::cli
