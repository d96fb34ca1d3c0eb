#include "sim/peers/programs/program.h"

#include <fmt/format.h>

#include <filesystem>

#include "sim/peers/files.h"

namespace gatelab::sim::peers::programs {

std::unique_ptr<Program> run_and_read(Machine& machine, std::vector<std::string> arguments, const std::string& output,
                                      std::function<void(Result<std::string>)> ended) {
    const auto path = machine.folder() / output;
    std::error_code ignored;
    std::filesystem::remove(path, ignored);
    const auto name = arguments.front();
    return machine.run({std::move(arguments), kEnvironment, output},
                       [path, name, ended = std::move(ended)](Result<int> how) {
                           if (!how) return ended(pass(how));
                           const auto text = read_file(path);
                           if (*how == 0) return ended(text);
                           const auto last = text.substr(text.size() > 400 ? text.size() - 400 : 0);
                           ended(fail(Fault::Refused, fmt::format("{}: {}: {}", name, describe_exit(*how), last)));
                       });
}

}  // namespace gatelab::sim::peers::programs
