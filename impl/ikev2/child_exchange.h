// Children: CREATE_CHILD_SA for a new one or to rekey one (RFC 7296 sections 1.3.1, 1.3.3, 2.8, 2.9 and 2.17), and what
// the first child in IKE_AUTH shares with them.
//
//   HDR, SK {[N(REKEY_SA),] SA, Ni, [KEi,] TSi, TSr}  -->
//                         <--  HDR, SK {SA, Nr, [KEr,] TSi, TSr}
#pragma once

#include "impl/ikev2/core.h"

namespace gatelab::ikev2::child {

// Everything that the two ends agreed on for one child.
struct Agreement {
    ChildSuite suite;
    esp::Spi ours, theirs;
    esp::TrafficSelectors local, remote;
    bool exchange_initiator = false;  // we sent the request
    Bytes nonce_i, nonce_r, shared_secret;
    std::optional<ChildId> replaces;
};
// Derives the keys, keeps the child and tells the owner.
void install(Core&, Instant now, Sa&, const Agreement&);

// All IPv4 traffic, what an empty list of selectors means.
esp::TrafficSelectors or_any(const esp::TrafficSelectors&);
bool within(const esp::TrafficSelectors& inner, const esp::TrafficSelectors& outer);
esp::Spi spi_from(const Bytes& wire);

// The row that an answer took, when it is exactly one of ours and the SPI is a valid one.
std::optional<ChildSuite> check_answer(const std::vector<ChildSuite>& rows, const std::vector<Proposal>& answer,
                                       bool with_groups);

void start_create(Core&, Instant now, Sa&, esp::TrafficSelectors local, esp::TrafficSelectors remote);
void start_rekey(Core&, Instant now, Sa&, ChildId);
void handle_response(Core&, Instant now, Sa&, const Message&, ChildExchange);
void handle_request(Core&, Instant now, Sa&, const Path&, const Header&, const Message&);

}  // namespace gatelab::ikev2::child
