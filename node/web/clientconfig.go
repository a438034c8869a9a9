package web

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

// clientConfig answers /config.js: the configuration of Jitsi clients, with URLs of the scheme and host that the client
// came by. "bosh" is left out: there is no BOSH. "deploymentInfo" has no shard: a client whose shard changes leaves its
// conference, and all nodes are one.
//
// Beyond what Jitsi clients know it has "nearest", what /api/v1/nearest answers, when there are other nodes with an address of their own:
// the page need not ask.
type clientConfig struct {
	cfg    Config
	homing Homing // may be nil
}

type (
	configJS struct {
		Hosts                 hostNames      `json:"hosts"`
		Websocket             string         `json:"websocket"`
		WebsocketKeepAliveURL string         `json:"websocketKeepAliveUrl"`
		EnableWebsocketResume bool           `json:"enableWebsocketResume"`
		ConferenceRequestURL  string         `json:"conferenceRequestUrl"`
		P2P                   p2p            `json:"p2p"`
		BridgeChannel         bridgeChannel  `json:"bridgeChannel"`
		VideoQuality          videoQuality   `json:"videoQuality"`
		Flags                 flags          `json:"flags"`
		UseTurnUDP            bool           `json:"useTurnUdp"`
		DeploymentInfo        deploymentInfo `json:"deploymentInfo"`
		Nearest               *Nearest       `json:"nearest,omitempty"`
	}
	hostNames struct {
		Domain string `json:"domain"`
		MUC    string `json:"muc"`
		Focus  string `json:"focus"`
	}
	p2p struct {
		Enabled     bool     `json:"enabled"`
		StunServers []string `json:"stunServers"` // empty: the client's default is a server of jitsi.net
	}
	bridgeChannel struct {
		PreferSCTP bool `json:"preferSctp"`
	}
	videoQuality struct {
		CodecPreferenceOrder []string `json:"codecPreferenceOrder"`
	}
	flags struct {
		SSRCRewritingEnabled bool `json:"ssrcRewritingEnabled"`
	}
	deploymentInfo struct {
		Region string `json:"region,omitempty"`
	}
)

// ServeHTTP writes one script that sets the global variable config.
func (c clientConfig) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	base := r.URL.Scheme + "://" + r.Host
	socket := strings.Replace(base, "http", "ws", 1)
	answer := configJS{
		Hosts:                 hostNames{Domain: c.cfg.Domain, MUC: "conference." + c.cfg.Domain, Focus: "focus." + c.cfg.Domain},
		Websocket:             socket + "/xmpp-websocket",
		WebsocketKeepAliveURL: base + "/xmpp-websocket",
		EnableWebsocketResume: true,
		ConferenceRequestURL:  base + "/conference-request/v1",
		P2P:                   p2p{StunServers: []string{}},
		VideoQuality:          videoQuality{CodecPreferenceOrder: full(c.cfg.Codecs)},
		Flags:                 flags{SSRCRewritingEnabled: true},
		UseTurnUDP:            true,
		DeploymentInfo:        deploymentInfo{Region: c.cfg.Region},
	}
	if c.homing != nil {
		if near := near(c.homing, r); near.choice() {
			answer.Nearest = &near
		}
	}
	text, err := json.MarshalIndent(answer, "", "  ")
	if err != nil {
		http.Error(w, "config.js cannot be written", http.StatusInternalServerError)
		c.cfg.Log.Error("config.js cannot be written", "error", err)
		return
	}
	header := w.Header()
	header.Set("Content-Type", "text/javascript; charset=utf-8")
	header.Set("Cache-Control", "no-store") // it says how this client came
	header.Set("X-Content-Type-Options", "nosniff")
	_, _ = fmt.Fprintf(w, "var config = %s;\n", text)
}
