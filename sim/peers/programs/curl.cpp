#include "sim/peers/programs/curl.h"

#include <fmt/format.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "sim/peers/files.h"

namespace gatelab::sim::peers::programs {

std::unique_ptr<Program> curl(Machine& machine, const std::string& url, std::function<void(Result<CurlReport>)> done) {
    const auto body = machine.folder() / "curl.body";
    std::error_code ignored;
    std::filesystem::remove(body, ignored);
    const auto command = "exec curl --silent --show-error --max-time 30 --output \"$1\" --write-out '%{json}' \"$2\"";
    return run_and_read(machine, {"/bin/sh", "-c", command, "curl", machine.inside("curl.body"), url}, "curl.txt",
                        [body, done = std::move(done)](Result<std::string> text) {
                            if (!text) return done(pass(text));
                            const auto told = nlohmann::json::parse(*text, nullptr, false);
                            if (!told.is_object())
                                return done(fail(Fault::Malformed, "curl: not JSON: " + text->substr(0, 200)));
                            done(CurlReport{told.value("http_code", 0), read_file(body), told.value("time_total", 0.0),
                                            told.value("remote_ip", std::string{})});
                        });
}

std::unique_ptr<Program> serve_http(Machine& machine, std::uint16_t port, std::function<void(Result<int>)> ended) {
    // Not `python3 -m http.server`: that asks the DNS for its own name first.
    const auto script = fmt::format(
        "import http.server, os, socketserver\n"
        "os.chdir('{}')\n"
        "socketserver.ThreadingTCPServer.allow_reuse_address = True\n"
        "socketserver.ThreadingTCPServer(('', {}), http.server.SimpleHTTPRequestHandler).serve_forever()\n",
        machine.inside("www"), port);
    return machine.run({{"/usr/bin/python3", "-c", script}, kEnvironment, "http.txt"}, std::move(ended));
}

}  // namespace gatelab::sim::peers::programs
