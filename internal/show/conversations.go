package show

import (
	"io"
	"iter"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"weir/internal/conversation"
)

// A Conversation is a conversation for programs. Names are those that addresses have
// at its start.
type Conversation struct {
	Start      string   `json:"start,omitempty"`
	End        string   `json:"end,omitempty"`
	Seconds    int64    `json:"seconds"`
	Client     string   `json:"client"`
	ClientName string   `json:"client_name,omitempty"`
	ClientPort int      `json:"client_port"`
	Server     string   `json:"server"`
	ServerName string   `json:"server_name,omitempty"`
	ServerPort int      `json:"server_port"`
	Decided    string   `json:"decided"`
	Sure       string   `json:"sure,omitempty"`
	Protocol   *int     `json:"protocol"`
	ToServer   Way      `json:"to_server"`
	ToClient   Way      `json:"to_client"`
	Verdict    string   `json:"verdict"`
	RefusedAt  []string `json:"refused_at,omitempty"`
	Ending     string   `json:"ending"`
	Interfaces []string `json:"interfaces"`
	Through    []string `json:"through,omitempty"`
	Records    int64    `json:"records"`
	Uncounted  bool     `json:"uncounted,omitempty"`
}

// A Way is what went in one direction.
type Way struct {
	Packets int64  `json:"packets"`
	Bytes   int64  `json:"bytes"`
	View    string `json:"view,omitempty"`
	Refused int64  `json:"refused,omitempty"`
	Flags   string `json:"flags,omitempty"`
}

// NewConversation returns a conversation for programs; name says what an address is
// called, and may be nil. Times are UTC.
func NewConversation(r *conversation.Row, name func(a netip.Addr, unix int64) string) Conversation {
	c := Conversation{
		Client: r.Client.Addr().String(), ClientPort: int(r.Client.Port()),
		Server: r.Server.Addr().String(), ServerPort: int(r.Server.Port()),
		Seconds: r.End - r.Start, Decided: r.Decided.String(), Sure: r.Decided.Sure(),
		ToServer: newWay(&r.ToServer), ToClient: newWay(&r.ToClient),
		Verdict: r.Verdict.String(), RefusedAt: r.RefusedAt, Ending: r.Ending.String(),
		Interfaces: r.Interfaces, Through: r.Through, Records: r.Records, Uncounted: r.Uncounted,
	}
	if !r.NoProtocol {
		p := int(r.Protocol)
		c.Protocol = &p
	}
	if r.Start > 0 {
		c.Start = Time(r.Start, time.UTC)
	}
	if r.End > 0 {
		c.End = Time(r.End, time.UTC)
	}
	if name != nil {
		c.ClientName, c.ServerName = name(r.Client.Addr(), r.Start), name(r.Server.Addr(), r.Start)
	}
	return c
}

func newWay(w *conversation.Way) Way {
	out := Way{Packets: w.Packets, Bytes: w.Bytes, View: w.View, Refused: w.Refused}
	if w.Flags != 0 {
		out.Flags = w.Flags.String()
	}
	return out
}

// conversationColumns are the columns of CSV and TSV.
var conversationColumns = []string{"start", "end", "client", "client-name", "client-port", "server", "server-name", "server-port",
	"decided", "protocol", "packets-to-server", "bytes-to-server", "packets-to-client", "bytes-to-client", "verdict", "refused-at",
	"ending", "interfaces", "through", "records", "uncounted"}

// Conversations writes conversations as CSV or TSV.
func Conversations(w io.Writer, all iter.Seq[Conversation], f Form) error {
	out := appendRow(nil, conversationColumns, f)
	for c := range all {
		protocol := ""
		if c.Protocol != nil {
			protocol = strconv.Itoa(*c.Protocol)
		}
		out = appendRow(out, []string{c.Start, c.End, c.Client, c.ClientName, strconv.Itoa(c.ClientPort), c.Server, c.ServerName,
			strconv.Itoa(c.ServerPort), c.Decided, protocol, strconv.FormatInt(c.ToServer.Packets, 10), strconv.FormatInt(c.ToServer.Bytes, 10),
			strconv.FormatInt(c.ToClient.Packets, 10), strconv.FormatInt(c.ToClient.Bytes, 10), c.Verdict, strings.Join(c.RefusedAt, " "),
			c.Ending, strings.Join(c.Interfaces, " "), strings.Join(c.Through, " "), strconv.FormatInt(c.Records, 10), strconv.FormatBool(c.Uncounted)}, f)
		if len(out) > 1<<16 {
			if _, err := w.Write(out); err != nil {
				return err
			}
			out = out[:0]
		}
	}
	_, err := w.Write(out)
	return err
}

func appendRow(out []byte, cells []string, f Form) []byte {
	sep := (&Records{Form: f}).separator()
	for i, cell := range cells {
		if i > 0 {
			out = append(out, sep)
		}
		out = appendCell(out, []byte(cell), f)
	}
	return append(out, '\n')
}
