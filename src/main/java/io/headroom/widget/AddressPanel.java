package io.headroom.widget;

import io.headroom.allocator.AddressMap;
import io.headroom.render.AddressMapView;
import io.headroom.render.Bundle;
import java.util.List;

/**
 * The address map of a run under a slider that moves through its moments.
 *
 * <p>All moments are drawn to one scale. Moves are answered on the kernel's thread; {@link #show} may be called from any.
 *
 * <pre>{@code
 * AddressPanel panel = AddressPanel.of(AddressMap.moments(trace, settings, limit, 48));
 * kernel.display(panel.show(opener));
 * }</pre>
 */
public final class AddressPanel {
    private final List<AddressMap> moments;

    private AddressPanel(List<AddressMap> moments) {
        this.moments = List.copyOf(moments);
    }

    /**
     * A slider over moments of one run.
     *
     * @throws IllegalArgumentException if there are none
     */
    public static AddressPanel of(List<AddressMap> moments) {
        if (moments.isEmpty()) {
            throw new IllegalArgumentException("no moments: give AddressMap.moments(trace, settings, limit, 48).");
        }
        return new AddressPanel(moments);
    }

    /** Opens the slider at the last moment, with that moment to stand in where widgets are not available. */
    public Bundle show(Comm.Opener opener) {
        Controls factory = new Controls(Widgets.of(opener));
        Widget restarted = factory.restartedLine();
        int last = moments.size() - 1;
        List<String> names =
                moments.stream().map(map -> String.valueOf(map.event())).toList();
        Widget slider = factory.selectionSlider(
                "event", "after which event of the run the map is drawn", names, names.get(last));
        Widget map = factory.html(html(last));
        slider.onChange(index -> {
            if (index instanceof Number at && at.intValue() >= 0 && at.intValue() < moments.size()) {
                map.set("value", html(at.intValue()));
            }
        });
        return Controls.view(
                factory.vBox(restarted, slider, map, factory.mended("map of the device's memory", 1)), last());
    }

    /** The last moment, as text and HTML. */
    public Bundle last() {
        return AddressMapView.of(moments, moments.size() - 1);
    }

    @Override
    public String toString() {
        return last().plain();
    }

    private String html(int moment) {
        return (String) AddressMapView.of(moments, moment).data().get(Bundle.HTML);
    }
}
