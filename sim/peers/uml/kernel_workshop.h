// Where the kernel of virtual-time peers is made and kept. Internal to this folder, and to its tests.
//
//   <cache>/.lock               held by whoever builds
//   <cache>/.build-XXXXXX/      a build under way; what is left of an interrupted one is removed by the next
//   <cache>/failed.log          of the last build that failed
//   <cache>/<hash>/linux        a whole kernel: the folder comes by renaming,
//   <cache>/<hash>/kernel.json  with its manifest
//   <cache>/<hash>/build.log    and how it was built
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sim/peers/uml/kernel.h"

namespace gatelab::sim::peers::uml {

struct KernelWorkshop {
    using Files = std::vector<std::pair<std::string, std::string>>;  // name and text

    std::filesystem::path cache;
    // Debian's programs and nothing else, so that everybody gets the same kernel.
    std::string tools = "/usr/sbin:/usr/bin:/sbin:/bin";
    std::string package = "linux-source-6.1";
    std::filesystem::path tarball = "/usr/src/linux-source-6.1.tar.xz";  // where the package puts it
    Files recipe = {};                                                   // recipe.sh and what it reads
    std::uintmax_t room = std::uintmax_t{900} << 20;                     // that a build needs, octets

    // The user's: ${XDG_CACHE_HOME:-~/.cache}/gatelab/kernels, and the recipe that is part of this program.
    // Unavailable when there is no home.
    static Result<KernelWorkshop> of_user();
};

// What is built from, and what it takes.
struct KernelSource {
    std::string version;   // Debian's
    std::string argument;  // of the recipe: the tar file, or what to download
};

// Unavailable when it is neither installed nor to be downloaded, or when programs are missing: one line to run.
Result<KernelSource> find_kernel_source(const KernelWorkshop&);

// Of everything that decides which kernel comes out, save the compiler: 16 hexadecimal digits.
std::string kernel_hash(const KernelWorkshop&, const std::string& version);

Result<Kernel> find_kernel(const KernelWorkshop&);
Result<Kernel> build_kernel(const KernelWorkshop&, const std::function<void(const KernelProgress&)>&);

// Whether Debian's version a comes before b, for versions of one package without tildes.
bool is_older_version(const std::string& a, const std::string& b);

// The whole kernels of a cache, by any recipe, oldest version first.
struct KeptKernel {
    Kernel kernel;
    std::string recipe;  // kernel_hash(..., "") of the recipe that built it
};
std::vector<KeptKernel> kept_kernels(const std::filesystem::path& cache);

// How far a build is, from what the recipe prints.
class KernelLog {
public:
    // Nothing unless the line changes how far it is.
    std::optional<KernelProgress> handle_line(const std::string&);
    const std::string& step() const { return step_; }

private:
    std::string step_ = "starting";
    double lines_ = 0, expected_ = 0;  // of make
    int percent_ = 0;
};

}  // namespace gatelab::sim::peers::uml
