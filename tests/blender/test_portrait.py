# SPDX-License-Identifier: GPL-3.0-or-later
"""The portrait: its galleries, the picture from the character, models that are here or offered, films in step."""

import json
from pathlib import Path

import bpy
import numpy as np
import pytest
from test_registration import drawn, labels_in, operators_in

from blender_addon.blender import panels, preferences
from blender_addon.blender.engine_jobs import jobs, status
from blender_addon.blender.operators import portrait as commands
from blender_addon.blender.portrait import film_view, gallery, model_choice, portrait_shot
from fomm_engine.wire.errors import UserError


@pytest.fixture(autouse=True)
def tidy(scene, tmp_path):
    own = preferences.get(bpy.context)
    own.models_folder = str(tmp_path / "models")
    yield
    jobs.DESK.close()
    own.models_folder = ""
    own.gallery_folders.clear()
    gallery.refresh()
    model_choice.forget()


@pytest.fixture
def own(scene):
    return scene.understudy.portrait


@pytest.fixture
def chosen(scene, video):
    bpy.ops.understudy.import_performance(filepath=str(video))
    return scene.understudy


@pytest.fixture
def asked(fake_engine, monkeypatch):
    """The jobs that were started, whatever the stand-in then does."""
    seen, start = [], jobs.start_engine

    def remember(job, python):
        seen.append(job)
        return start(job, python)

    monkeypatch.setattr(jobs, "start_engine", remember)
    return seen


def portrait_panel():
    return drawn(panels.portrait.UNDERSTUDY_PT_portrait)


def test_the_product_brings_portraits_of_its_own(own):
    names = {category.name for category in gallery.PORTRAITS.read()}
    assert {"People", "Cartoon", "Statues", "Characters"} <= names
    files = [path for category in gallery.PORTRAITS.read() for path in category.files]
    assert 10 <= len(files) <= 30
    assert sum(path.stat().st_size for path in files) < 600_000
    assert Path(gallery.source_of(own)).is_file()  # there is always one to begin with


def test_picking_a_thumbnail_chooses_the_picture(own):
    own.category = next(c.key for c in gallery.PORTRAITS.read() if c.name == "Statues")
    files = [str(path) for path in gallery.PORTRAITS.files(own.category)]
    own.pick = files[1]
    assert (own.source, own.pick) == (files[1], files[1])
    own.category = next(c.key for c in gallery.PORTRAITS.read() if c.name == "People")
    assert own.pick == files[1]  # another category shows the chosen picture too
    assert own.source == files[1]


@pytest.fixture
def folder(tmp_path, video):
    """A folder of a user's, with a picture, a video and a folder in it."""
    root = tmp_path / "Mine ä"
    (root / "Friends").mkdir(parents=True)
    for path in (root / "me.png", root / "Friends" / "you.jpg"):
        path.write_bytes(b"x")
    (root / "dance.mp4").write_bytes(Path(video).read_bytes())
    return root


def test_folders_of_ones_own_are_further_categories(own, folder):
    bpy.ops.understudy.add_gallery_folder(directory=str(folder))
    assert "2 pictures, 1 videos" in status.of(bpy.context).said
    names = [category.name for category in gallery.PORTRAITS.read()]
    assert names[-2:] == ["Mine ä", "Mine ä / Friends"]
    assert [category.name for category in gallery.VIDEOS.read()] == ["Mine ä"]
    bpy.ops.understudy.add_gallery_folder(directory=str(folder))  # no second time
    assert len(preferences.get(bpy.context).gallery_folders) == 1
    own.driving_from = "GALLERY"
    own.driving_pick = str(folder / "dance.mp4")
    assert own.driving == str(folder / "dance.mp4")
    bpy.ops.understudy.remove_gallery_folder(index=0)
    assert gallery.VIDEOS.read() == []


def test_a_folder_without_pictures_is_refused(own, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(RuntimeError, match="no pictures or videos"):
        bpy.ops.understudy.add_gallery_folder(directory=str(tmp_path / "empty"))
    with pytest.raises(RuntimeError, match="no such folder in the list"):
        bpy.ops.understudy.remove_gallery_folder(index=5)


def test_the_panels_choices_reach_the_engine(asked, chosen, fake_engine, video, tmp_path):
    fake_engine.take = str(video)
    fake_engine.behave("ok")
    own = chosen.portrait
    own.relative, own.match, own.best_frame, own.layout, own.size = False, "NUMBER", 7, "1080p", 255
    bpy.ops.understudy.animate_portrait(output=str(tmp_path / "p.mp4"))
    job = asked[-1]
    assert (job.kind, job.weights, job.input["driving"]) == ("animate", "default", str(video))
    assert job.input["source"] == gallery.source_of(own)
    expected = {"relative": False, "adapt_scale": True, "best_frame": 7, "layout": "1080p", "size": 254}
    assert expected.items() <= job.options.items()
    assert job.options["comparison"] is True
    own.match, own.driving_from, own.driving = "BEST", "FILE", str(video)
    bpy.ops.understudy.animate_portrait(output=str(tmp_path / "q.mp4"))
    assert asked[-1].options["find_best_frame"] is True
    assert "best_frame" not in asked[-1].options


def test_the_options_are_the_engines_own(chosen):
    from fomm_engine.wire.job import checked_options

    options_file = Path(commands.__file__).parents[3] / "fomm_engine" / "animate" / "options.py"
    names = commands.options_of(bpy.context.scene).keys()
    text = options_file.read_text(encoding="utf-8")
    assert all(f"    {name}:" in text for name in names)
    assert callable(checked_options)


def test_a_model_that_is_not_here_is_offered_with_size_licence_and_source(scene, chosen):
    own = chosen.portrait
    own.model = "vox-adv"
    layout = portrait_panel()
    text = labels_in(layout)
    assert "not on this machine yet" in text
    assert "VoxCeleb" in text
    assert {"understudy.download_model", "understudy.import_model"} <= operators_in(layout)
    texts = [call.kwargs.get("text", "") for call in layout.operator.call_args_list]
    assert any("239 MB" in text for text in texts), texts
    with pytest.raises(UserError, match="not on this machine yet"):
        model_choice.weights_of(bpy.context, own)


@pytest.mark.parametrize(("model", "fits"), [("vox", True), ("taichi", False), ("mgif", False), ("DEFAULT", True)])
def test_a_model_that_does_not_fit_a_face_says_so(own, model, fits):
    own.model = model
    assert ("does not fit a" in labels_in(portrait_panel())) == (not fits)


def test_every_model_of_the_menu_is_in_the_table(own):
    names = [item.identifier for item in own.bl_rna.properties["model"].enum_items]
    assert names[0] == "DEFAULT"
    assert names[-1] == "FILE"
    assert names[1:-1] == "vox vox-adv taichi taichi-adv nemo mgif fashion bair".split()
    assert set(names[1:-1]) <= set(model_choice.table())


def test_a_download_waits_for_the_licence_and_for_online_access(own, fake_engine):
    if not bpy.app.online_access:
        with pytest.raises(RuntimeError, match="Blender may not go online"):
            bpy.ops.understudy.download_model(name="vox", accept_licence=True)
    else:
        with pytest.raises(RuntimeError, match="licence was not accepted"):
            bpy.ops.understudy.download_model(name="vox")
    with pytest.raises(RuntimeError, match=r"No weights are called|Blender may not"):
        bpy.ops.understudy.download_model(name="nonsense", accept_licence=True)


def test_weights_from_disk_are_used_from_then_on(own, asked, fake_engine, tmp_path):
    answer = tmp_path / "answer.json"
    answer.write_text(json.dumps({"notes": ["vox is in its place."], "models": []}))
    fake_engine.take = str(answer)
    fake_engine.behave("ok")
    (tmp_path / "vox-cpk.pth.tar").write_bytes(b"x")
    own.model = "vox"
    assert not model_choice.is_here(bpy.context, "vox")
    bpy.ops.understudy.import_model(filepath=str(tmp_path / "vox-cpk.pth.tar"), name="vox")
    assert asked[-1].options == {"action": "import", "folder": str(tmp_path / "models"), "name": "vox"}
    assert "vox is in its place." in status.of(bpy.context).said
    place = tmp_path / "models" / "vox" / "vox-cpk.pth.tar"  # where the engine's store puts it
    place.parent.mkdir(parents=True)
    place.write_bytes(b"x")
    model_choice.forget()
    assert model_choice.weights_of(bpy.context, own) == str(place)
    assert "not on this" not in labels_in(portrait_panel())


def test_the_smaller_file_of_a_model_does_as_well(own, tmp_path):
    slim = model_choice.table()["vox-adv-slim"]
    place = tmp_path / "models" / slim.name / slim.file
    place.parent.mkdir(parents=True)
    place.write_bytes(b"x")
    own.model = "vox-adv"
    assert model_choice.weights_of(bpy.context, own) == str(place)


def test_weights_of_ones_own_stay_where_they_are(own, tmp_path):
    file = tmp_path / "mine.safetensors"
    file.write_bytes(b"x")
    bpy.ops.understudy.choose_model_file(filepath=str(file))
    assert model_choice.weights_of(bpy.context, own) == str(file)
    file.unlink()
    with pytest.raises(UserError, match="is not there"):
        model_choice.weights_of(bpy.context, own)


@pytest.fixture
def film(chosen, video, tmp_path):
    """A finished film of the portrait, and one beside the driving video."""
    path = tmp_path / "face portrait.mp4"
    for target in (path, commands.comparison_of(path)):
        target.write_bytes(Path(video).read_bytes())
    chosen.portrait.result = str(path)
    return path


def test_films_are_shown_in_step_with_the_playhead(scene, film):
    image = film_view.show_film(bpy.context, film, start_frame=11)
    assert (image.source, image.frame_duration) == ("MOVIE", 12)
    scene.render.fps, scene.render.fps_base = 60, 1.001  # twice the film's rate
    shown = []
    for frame in (1, 11, 12, 13, 14, 33, 90):
        scene.frame_set(frame)
        shown.append(film_view.film_frame(scene, image))
    assert shown == [1, 1, 1, 2, 2, 12, 12]
    scene.render.fps = 30
    scene.frame_set(15)
    assert film_view.film_frame(scene, image) == 5


def test_a_film_made_anew_is_not_shown_twice(film):
    first = film_view.show_film(bpy.context, film)
    assert film_view.show_film(bpy.context, film) == first


def test_the_film_is_shown_alone_and_beside_its_driving_video(film):
    layout = portrait_panel()
    assert {"understudy.show_film", "understudy.save_film", "understudy.widen_film"} <= operators_in(layout)
    assert bpy.ops.understudy.show_film(which="COMPARISON") == {"FINISHED"}
    assert "face portrait.comparison.mp4" in status.of(bpy.context).said
    commands.comparison_of(film).unlink()
    with pytest.raises(RuntimeError, match="Tick Side by Side"):
        bpy.ops.understudy.show_film(which="COMPARISON")


def test_save_as_copies_the_film_under_its_own_ending(film, tmp_path):
    bpy.ops.understudy.save_film(filepath=str(tmp_path / "mine.avi"))
    assert (tmp_path / "mine.mp4").read_bytes() == film.read_bytes()
    with pytest.raises(RuntimeError, match="cannot be written"):
        bpy.ops.understudy.save_film(filepath=str(tmp_path / "none" / "x.mp4"))
    film.unlink()
    with pytest.raises(RuntimeError, match="There is no film"):
        bpy.ops.understudy.save_film(filepath=str(tmp_path / "x.mp4"))


def test_the_wide_film_is_made_by_the_engine(film, asked, fake_engine, video):
    fake_engine.take = str(video)
    fake_engine.behave("ok")
    bpy.ops.understudy.widen_film()
    assert (asked[-1].kind, asked[-1].input) == ("widen", {"film": str(film)})
    assert film.with_name("face portrait 1920x1080.mp4").is_file()


def test_the_character_sits_for_its_portrait(ready, tmp_path, monkeypatch):
    monkeypatch.setattr(portrait_shot, "SIDE_PX", 48)
    monkeypatch.setattr(portrait_shot, "SAMPLES", 1)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "shot.blend"))
    things = [len(block) for block in (bpy.data.objects, bpy.data.scenes, bpy.data.worlds, bpy.data.lights)]
    engine = bpy.context.scene.render.engine
    assert bpy.ops.understudy.portrait_from_character() == {"FINISHED"}
    path = Path(bpy.path.abspath(ready.portrait.source))
    assert path.parent == tmp_path / "takes"
    picture = bpy.data.images.load(str(path))
    pixels = np.array(picture.pixels[:]).reshape(48, 48, 4)
    assert np.ptp(pixels[..., :3].mean(-1)) > 0.1  # somebody stands before the wall
    bpy.data.images.remove(picture)
    assert things == [len(block) for block in (bpy.data.objects, bpy.data.scenes, bpy.data.worlds, bpy.data.lights)]
    assert bpy.context.scene.render.engine == engine


def test_without_a_character_there_is_nobody_to_sit(own):
    with pytest.raises(RuntimeError, match="Detect the character first"):
        bpy.ops.understudy.portrait_from_character()
