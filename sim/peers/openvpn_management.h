// The management interface of OpenVPN (its management-notes.txt): lines over a UNIX socket.
//
// Does no I/O: feed it what came, and send what the functions at the end make.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "impl/base/bytes.h"
#include "impl/base/time.h"

namespace gatelab::sim::peers {

class OpenVpnManagement {
public:
    // The program waits for a word from us; without us it would wait so long before it tries again.
    struct Hold {
        Duration before_retry{};
    };
    // "CONNECTED" with "SUCCESS", "RECONNECTING" with "ping-restart", "EXITING" with "auth-failure", ...
    struct State {
        std::string name, reason;
    };
    struct Log {
        std::string text;
    };
    // Where the program is about to dial, and asks whether it may.
    struct Remote {
        std::string host, port, protocol;
    };
    // Of a server. Connect and Reauth want an answer: accept() or deny().
    struct Client {
        enum class Kind { Connect, Reauth, Established, Disconnect } kind = Kind::Connect;
        std::string client, key;  // its numbers; no key of Established and Disconnect
        std::map<std::string, std::string> environment;
    };
    struct Address {
        std::string client, address;
    };  // that a client is reached at inside
    struct Fatal {
        std::string text;
    };
    using Output = std::variant<Hold, State, Log, Remote, Client, Address, Fatal>;

    // What the bytes bring, in order; lines that mean nothing to us are passed over.
    std::vector<Output> handle_bytes(ByteView);

private:
    void handle_line(std::string_view line, std::vector<Output>& outputs);
    void handle_client(std::string_view text, std::vector<Output>& outputs);

    std::string pending_;
    std::optional<Client> client_;  // whose environment is coming
};

std::string greeting();  // asks for states, of now and to come, and log lines
std::string release_hold();
std::string accept_remote(const std::string& address, const std::string& port);  // dials there instead
std::string accept(const OpenVpnManagement::Client&);
std::string deny(const OpenVpnManagement::Client&, const std::string& reason);  // the client is told the reason
std::string halt_client(const std::string& client);                             // and it shall not come back
std::string end_program();

}  // namespace gatelab::sim::peers
