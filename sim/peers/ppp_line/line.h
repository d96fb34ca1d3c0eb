// What pppd does, in user space: our PPP on a line to sstpc, and a TUN device. Lives by the machine's clock.
//
// It logs what SstpClientLog reads: "line: authenticated mschapv2", "line: address 172.16.201.2",
// "line: dns 10.1.0.53", "line: up", and at the end "line: closed <reason> <detail>".
#pragma once

#include <optional>
#include <string>

#include "impl/base/random.h"
#include "impl/ppp/async_hdlc.h"
#include "impl/ppp/session.h"
#include "sim/peers/ppp_line/child.h"
#include "sim/peers/ppp_line/settings.h"

namespace gatelab::sim::peers::ppp_line {

class Line {
public:
    // `signals` is a signalfd: SIGTERM ends the call in order, SIGINT at once; SIGCHLD.
    static Result<Line> create(Settings, Random&, int signals);

    void serve();  // until the call is over

private:
    Line(Settings settings, Child child, ppp::Session session, int signals, FileDescriptor log)
        : settings_(std::move(settings)),
          child_(std::move(child)),
          session_(std::move(session)),
          signals_(signals),
          log_(std::move(log)) {}

    void wait();
    void handle_signal();
    std::size_t copy_words();
    void read_words();
    void read_line();
    void read_card();
    void act();  // on what the session puts out
    void send(ByteView frame, bool may_be_dropped);
    void flush();
    void open(const ppp::Agreed&);
    void end(std::string_view reason, std::string_view detail);

    Settings settings_;
    Child child_;
    ppp::Session session_;
    int signals_;
    FileDescriptor log_, card_;
    ppp::HdlcReader reader_;
    Bytes unsent_, frame_;
    std::string words_;  // the beginning of a line of sstpc's
    bool started_ = false, over_ = false;
};

}  // namespace gatelab::sim::peers::ppp_line
