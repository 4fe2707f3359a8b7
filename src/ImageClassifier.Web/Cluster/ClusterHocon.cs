using System.Net;
using System.Net.Sockets;

namespace ImageClassifier.Web.Cluster;

/// <summary>Akka's own settings of a cluster of web nodes. No operator turns them, so they are here and not in
/// <c>reference.conf</c>.</summary>
internal static class ClusterHocon
{
    /// <summary>A web node that is killed is removed, and its singletons run elsewhere, within 10 s:
    /// <list type="bullet">
    /// <item>up to 3 s until it is unreachable (0.5 s heartbeat, 1.5 s pause, 0.7 s threshold, 0.25 s check);</item>
    /// <item>3 s until nothing more changes, and up to 1 s until the resolver looks;</item>
    /// <item>up to 1 s until all nodes know, and 0.3 s margin.</item> </list> A node that is only slow (a busy machine,
    /// a long garbage collection) stays a member if it is silent for less than 5 s.</summary>
    private const string Membership = """
        akka.cluster {
          roles = [web]

          # Warnings report members that become unreachable, and the scaler's log line shows where it runs.
          log-info = off
          singleton-proxy.log-singleton-identification-failure = off

          # Twice as often as by default: with two or three nodes it costs nothing.
          gossip-interval = 500ms
          leader-actions-interval = 500ms
          unreachable-nodes-reaper-interval = 250ms
          failure-detector {
            heartbeat-interval = 500ms
            acceptable-heartbeat-pause = 1500ms
          }

          # deploy/adr/0028 gives the reasons.
          downing-provider-class = "Akka.Cluster.SBR.SplitBrainResolverProvider, Akka.Cluster"
          split-brain-resolver {
            active-strategy = keep-majority
            stable-after = 3s
            # By default 4 s of changing reachability down every node. A busy machine must not end the whole tier.
            down-all-when-unstable = 20s
          }

          # How long singletons wait before they start elsewhere: the other side of a split decides at most so much
          # later than this one. Without it, as long as stable-after.
          down-removal-margin = 300ms

          # A node that was removed ends its process, and systemd or the Auto Scaling group starts a new one.
          run-coordinated-shutdown-when-down = on

          # A node that came back at its old address joins as soon as its earlier life is removed.
          retry-unsuccessful-join-after = 2s

          # A node is a member or it is not: an unreachable neighbour is gone within seconds.
          allow-weakly-up-members = off
        }

        # A node that came back at its old address is called again after so long.
        akka.remote.retry-gate-closed-for = 1s
        akka.remote.log-remote-lifecycle-events = off

        # What follows the drain (15 s) takes 10 s at most, so that all of it fits into the host's 40 s.
        akka.coordinated-shutdown.phases {
          cluster-sharding-shutdown-region.timeout = 4s
          cluster-leave.timeout = 2s
          cluster-exiting.timeout = 2s
          cluster-exiting-done.timeout = 1s
          cluster-shutdown.timeout = 1s
        }

        # A message that no serializer is bound to is refused by name.
        akka.actor.serialize-messages = off
        akka.actor.serializers.json =
          "ImageClassifier.Web.Cluster.UnboundMessageSerializer, ImageClassifier.Web"

        # A batch's record with 1,000 jobs has some MiB. A message must fit into a buffer.
        akka.remote.dot-netty.tcp {
          maximum-frame-size = 8MiB
          send-buffer-size = 8MiB
          receive-buffer-size = 8MiB
        }
        """;

    /// <summary>The settings of one node.</summary>
    /// <param name="settings">The node's, with its address.</param>
    /// <param name="system">The name of the actor system, the same on all nodes.</param>
    /// <param name="isEncrypted">Whether remoting speaks TLS.</param>
    public static string Of(ClusterSettings settings, string system, bool isEncrypted)
    {
        var scheme = isEncrypted ? "akka.ssl.tcp" : "akka.tcp";
        var seeds = settings.Seeds.Select(seed => $"\"{scheme}://{system}@{seed}\"");
        return $$"""
            {{Membership}}
            akka.remote.dot-netty.tcp {
              hostname = "{{settings.Host}}"
              port = {{settings.Port}}
              dns-use-ipv6 = {{OnOff(IsVersion6(settings.Host))}}
              enable-ssl = {{OnOff(isEncrypted)}}
            }
            akka.cluster.seed-nodes = [{{string.Join(", ", seeds)}}]
            {{(settings.FindsNodesOnEc2 ? Discovery : "")}}
            """;
    }

    private const string Discovery = """
        akka.discovery {
          method = web-nodes
          web-nodes.class = "ImageClassifier.Web.Cluster.WebNodeDiscovery, ImageClassifier.Web"
        }
        """;

    private static bool IsVersion6(IPAddress? host) => host?.AddressFamily == AddressFamily.InterNetworkV6;

    private static string OnOff(bool value) => value ? "on" : "off";
}
