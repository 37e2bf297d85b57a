package io.headroom.diagnosis;

import static org.assertj.core.api.Assertions.assertThat;

import io.headroom.oom.Log;
import org.junit.jupiter.api.Test;

/** What the kernel says of the process it killed is told, and no container is assumed. */
class KilledProcessTest {
    private static final String LINE = "ut of memory: Killed process 2817 (java) total-vm:21500000kB,"
            + " anon-rss:15023412kB, file-rss:0kB, shmem-rss:0kB, UID:1000 pgtables:31000kB oom_score_adj:0";

    @Test
    void theMachinesKillNamesTheProcessAndItsSize() {
        Diagnosis diagnosis = of("[12.0] java invoked oom-killer: gfp_mask=0x0, order=0\n[12.1] O" + LINE);

        assertThat(diagnosis.what()).contains("process 2817 (java)", "14.33 GiB");
        assertThat(diagnosis.remedies()).noneMatch(advice -> advice.how().contains("docker"));
        assertThat(diagnosis.remedies()).anyMatch(advice -> advice.how().contains("more swap"));
        assertThat(diagnosis.others()).isEmpty();
    }

    @Test
    void aContainersKillOffersALimitAboveWhatWasHeld() {
        Diagnosis diagnosis = of("Memory cgroup o" + LINE);

        assertThat(diagnosis.what()).contains("container's memory limit", "process 2817 (java)");
        assertThat(diagnosis.remedies()).anyMatch(advice -> advice.how().contains("--memory=18g"));
    }

    @Test
    void aBareKillShowsNoContainer() {
        assertThat(of("Killed").remedies()).noneMatch(advice -> advice.how().contains("docker"));
        assertThat(of("container exited with code 137").remedies())
                .anyMatch(advice -> advice.how().contains("docker"));
    }

    private static Diagnosis of(String text) {
        return Diagnosis.of(Log.read(text), Situation.unknown()).orElseThrow();
    }
}
