package io.headroom.widget;

import io.headroom.remedy.Remedy;
import io.headroom.render.Bundle;
import io.headroom.render.Html;
import io.headroom.workload.Workload;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.LongSupplier;

/**
 * A row of buttons, one for each remedy: a click opens the budget of the workload with that remedy below, its sliders
 * where the remedy sets them.
 *
 * <p>Clicks run on the kernel's thread; one panel is open at a time. {@link #show} may be called from any thread.
 *
 * <pre>{@code
 * RemedyPanel panel = new RemedyPanel(step, List.of(Remedies.batch(7), Remedies.checkpointing(2)), () -> headroom);
 * kernel.display(panel.show(opener));
 * }</pre>
 */
public final class RemedyPanel {
    private final Workload workload;
    private final List<Remedy> remedies;
    private final LongSupplier headroom;

    /**
     * @param workload what failed
     * @param remedies those that change it, in the order of the buttons
     * @param headroom in bytes; {@code Long.MAX_VALUE} where none is known
     */
    public RemedyPanel(Workload workload, List<Remedy> remedies, LongSupplier headroom) {
        this.workload = workload;
        this.remedies = List.copyOf(remedies);
        this.headroom = headroom;
    }

    /** Opens the buttons; without widgets the bundle is a line that says how to open a budget. */
    public Bundle show(Comm.Opener opener) {
        Controls factory = new Controls(Widgets.of(opener));
        Widget place = factory.vBox();
        List<Widget> row = new ArrayList<>();
        row.add(factory.label("Open the budget at"));
        for (Remedy remedy : remedies) {
            Widget button = factory.button(remedy.title(), remedy.what());
            button.onClick(() -> open(remedy, opener, factory, place));
            row.add(button);
        }
        Widget box = factory.vBox(factory.hBox(row.toArray(Widget[]::new)), place);
        return Controls.view(box, Bundle.text("Open the budget at a setting: budget(step)"));
    }

    private void open(Remedy remedy, Comm.Opener opener, Controls factory, Widget place) {
        try {
            BudgetPanel panel = BudgetPanel.of(remedy.apply(workload), headroom);
            Object view = panel.show(opener).data().get(Controls.VIEW);
            place.set("children", List.of("IPY_MODEL_" + ((Map<?, ?>) view).get("model_id")));
        } catch (RuntimeException failed) {
            Widget shown = factory.html(Html.escape(String.valueOf(failed.getMessage())));
            place.set("children", List.of(shown.reference()));
        }
    }
}
