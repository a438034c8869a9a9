/** A session-initiate as a node sends it. */
const transport = `<transport xmlns="urn:xmpp:jingle:transports:ice-udp:1" ufrag="uf" pwd="secretsecretsecretsecret">
  <fingerprint xmlns="urn:xmpp:jingle:apps:dtls:0" hash="sha-256" setup="actpass">AA:BB</fingerprint>
  <candidate component="1" foundation="1" generation="0" id="c1" ip="192.0.2.1" network="0" port="10000" priority="2130706431" protocol="UDP" type="host"/>
  <candidate component="1" foundation="2" generation="0" id="c2" ip="198.51.100.7" network="0" port="10000" priority="1694498815" protocol="udp" type="srflx" rel-addr="192.0.2.1" rel-port="10000"/>
  <web-socket xmlns="http://jitsi.org/protocol/colibri" url="wss://node.example/colibri-ws/n/c/e?pwd=p&amp;x=1"/>
</transport>`;

export const OFFER = `<jingle xmlns="urn:xmpp:jingle:1" action="session-initiate" initiator="room@conference.example/focus" sid="s1">
 <content creator="initiator" name="audio" senders="both">
  <description xmlns="urn:xmpp:jingle:apps:rtp:1" media="audio">
   <payload-type id="111" name="opus" clockrate="48000" channels="2">
    <parameter name="minptime" value="10"/><parameter name="useinbandfec" value="1"/>
    <rtcp-fb xmlns="urn:xmpp:jingle:apps:rtp:rtcp-fb:0" type="transport-cc"/>
   </payload-type>
   <rtp-hdrext xmlns="urn:xmpp:jingle:apps:rtp:rtp-hdrext:0" id="1" uri="urn:ietf:params:rtp-hdrext:ssrc-audio-level"/>
   <extmap-allow-mixed xmlns="urn:xmpp:jingle:apps:rtp:rtp-hdrext:0"/>
   <rtcp-mux/>
  </description>${transport}
 </content>
 <content creator="initiator" name="video" senders="both">
  <description xmlns="urn:xmpp:jingle:apps:rtp:1" media="video">
   <payload-type id="100" name="VP8" clockrate="90000">
    <rtcp-fb xmlns="urn:xmpp:jingle:apps:rtp:rtcp-fb:0" type="ccm" subtype="fir"/>
    <rtcp-fb xmlns="urn:xmpp:jingle:apps:rtp:rtcp-fb:0" type="nack"/>
    <rtcp-fb xmlns="urn:xmpp:jingle:apps:rtp:rtcp-fb:0" type="nack" subtype="pli"/>
   </payload-type>
   <payload-type id="96" name="rtx" clockrate="90000"><parameter name="apt" value="100"/></payload-type>
   <rtcp-mux/>
  </description>${transport}
 </content>
 <group xmlns="urn:xmpp:jingle:apps:grouping:0" semantics="BUNDLE"><content name="audio"/><content name="video"/></group>
 <bridge-session xmlns="http://jitsi.org/protocol/focus" id="b1"/>
 <startmuted xmlns="http://jitsi.org/jitmeet/start-muted" audio="true" video="false"/>
</jingle>`;
