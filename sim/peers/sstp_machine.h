// A machine with sstp-client: sstpc and pppd in a guest, sstpc and a line of ours (ppp_line/) in a namespace.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "sim/peers/program_machine.h"
#include "sim/peers/sstp_client_config.h"

namespace gatelab::sim::peers {

class SstpMachine final : public ProgramMachine {
public:
    // Unavailable when this computer gives no machine, or lacks sstpc or what it needs beside.
    static Result<std::unique_ptr<SstpMachine>> start(const Stage&, Place, SstpClientSettings);

    // Settles the machine, once: `ended` is told when all is there that a call needs.
    void prepare(std::function<void(Result<void>)> ended);
    // A call, until it is over; `ended` is told once.
    std::unique_ptr<Program> dial(std::function<void(Result<int>)> ended);
    // Asks what speaks PPP for the end of the call.
    void hang_up(Program& call);

    std::string version() const;  // "sstp-client 1.0.18, pppd 2.4.9", once it is prepared
    const SstpClientSettings& settings() const { return settings_; }
    Error wrong(Fault, const std::string& what) const;

    // Hands over the keys and completes the evidence: once the programs have ended.
    Result<void> finish();

    static constexpr const char* kSstpLog = "sstpc.log";
    static constexpr const char* kPppLog = "ppp.log";

private:
    SstpMachine(const Stage&, Place, SstpClientSettings);

    const SstpClientSettings settings_;
    SstpPlaces places_;
    std::unique_ptr<Program> preparing_, hanging_up_;
};

}  // namespace gatelab::sim::peers
